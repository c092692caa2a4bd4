package cafe

// The stored form of an item, apart from the view so that either can change
// without the other.

type itemV1 struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Category    string     `json:"category"`
	Position    int32      `json:"position"`
	Price       moneyV1    `json:"price"`
	Sizes       []choiceV1 `json:"sizes,omitempty"`
	Options     []groupV1  `json:"options,omitempty"`
	Allergens   *[]string  `json:"allergens,omitempty"`
	Available   bool       `json:"available"`
	Remaining   *int32     `json:"remaining,omitempty"`
}

type moneyV1 struct {
	Amount   int32  `json:"amount"`
	Currency string `json:"currency"`
}

type choiceV1 struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Extra     int32    `json:"extra"`
	Allergens []string `json:"allergens,omitempty"`
	Frees     []string `json:"frees,omitempty"`
	Available bool     `json:"available"`
}

type groupV1 struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Most    int32      `json:"most"`
	Default string     `json:"default,omitempty"`
	Choices []choiceV1 `json:"choices"`
}

func toItemV1(it Item) itemV1 {
	v := itemV1{
		ID: it.ID, Name: it.Name, Description: it.Description,
		Category: it.Category, Position: it.Position, Price: moneyV1(it.Price),
		Allergens: it.Allergens, Available: it.Available, Remaining: it.Remaining,
	}
	for _, size := range it.Sizes {
		v.Sizes = append(v.Sizes, choiceV1(size))
	}
	for _, g := range it.Options {
		group := groupV1{ID: g.ID, Name: g.Name, Most: g.Most, Default: g.Default}
		for _, ch := range g.Choices {
			group.Choices = append(group.Choices, choiceV1(ch))
		}
		v.Options = append(v.Options, group)
	}
	return v
}

// item is the view of what is stored.
func (v itemV1) item() Item {
	it := Item{
		ID: v.ID, Name: v.Name, Description: v.Description,
		Category: v.Category, Position: v.Position, Price: Money(v.Price),
		Allergens: v.Allergens, Available: v.Available, Remaining: v.Remaining,
	}
	for _, size := range v.Sizes {
		it.Sizes = append(it.Sizes, Choice(size))
	}
	for _, g := range v.Options {
		group := OptionGroup{ID: g.ID, Name: g.Name, Most: g.Most, Default: g.Default, Choices: []Choice{}}
		for _, ch := range g.Choices {
			group.Choices = append(group.Choices, Choice(ch))
		}
		it.Options = append(it.Options, group)
	}
	return it
}
