package cafe

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed menu.json
var menuJSON []byte

// menuFile is a menu as it is kept in a file: groups of options stand there
// once and items name them.
type menuFile struct {
	Currency string                 `json:"currency"`
	Groups   map[string]OptionGroup `json:"groups"`
	Sizes    map[string][]Choice    `json:"sizes"`
	Items    []menuFileItem         `json:"items"`
}

type menuFileItem struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Category    string    `json:"category"`
	Price       int32     `json:"price"`
	Sizes       string    `json:"sizes"`
	Options     []string  `json:"options"`
	Allergens   *[]string `json:"allergens"`
	Available   bool      `json:"available"`
	Remaining   *int32    `json:"remaining"`
}

// DefaultMenu returns the menu that a new site begins with, for ImportMenu.
func DefaultMenu() []Item {
	items, err := parseMenu(menuJSON)
	if err != nil {
		panic(err) // the file is part of the program and held by a test
	}
	return items
}

func parseMenu(b []byte) ([]Item, error) {
	var f menuFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("cafe: menu: %w", err)
	}
	var items []Item
	for i, in := range f.Items {
		it := Item{
			ID: in.ID, Name: in.Name, Description: in.Description,
			Category: in.Category, Position: int32(i+1) * 10,
			Price:     Money{in.Price, f.Currency},
			Allergens: in.Allergens, Available: in.Available, Remaining: in.Remaining,
		}
		if in.Sizes != "" {
			sizes, ok := f.Sizes[in.Sizes]
			if !ok {
				return nil, fmt.Errorf("cafe: menu: %s has sizes %q, which the menu lacks", in.ID, in.Sizes)
			}
			it.Sizes = sizes
		}
		for _, id := range in.Options {
			g, ok := f.Groups[id]
			if !ok {
				return nil, fmt.Errorf("cafe: menu: %s has options %q, which the menu lacks", in.ID, id)
			}
			it.Options = append(it.Options, g)
		}
		items = append(items, it)
	}
	return items, nil
}
