package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"everything.local/client"
	"everything.local/event"
	"everything.local/proto"
)

var times = regexp.MustCompile(`^x\d{1,9}$`)

// parseLines reads the arguments of hub order. What a number of them is for is
// the one before it.
func parseLines(args []string) ([]*proto.LineRequest, error) {
	var lines []*proto.LineRequest
	for _, arg := range args {
		if times.MatchString(arg) {
			if len(lines) == 0 || lines[len(lines)-1].Quantity != nil {
				return nil, fmt.Errorf("%w: %s stands behind what there is to be so many of, like: latte x2", errArguments, arg)
			}
			n, err := strconv.ParseInt(arg[1:], 10, 32)
			if err != nil {
				return nil, fmt.Errorf("%w: %s is too many", errArguments, arg)
			}
			quantity := int32(n)
			lines[len(lines)-1].Quantity = &quantity
			continue
		}
		line, err := parseItem(arg)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// parseItem reads item[:size][+option…].
func parseItem(arg string) (*proto.LineRequest, error) {
	parts := strings.Split(arg, "+")
	item, size, sized := strings.Cut(parts[0], ":")
	if item == "" || sized && size == "" || slices.Contains(parts[1:], "") {
		return nil, fmt.Errorf("%w: %s is not like latte, latte:large or latte:large+oat-milk", errArguments, event.Quote(arg))
	}
	return &proto.LineRequest{Item: item, Size: size, Options: parts[1:]}, nil
}

var fieldOfLine = regexp.MustCompile(`^items\[(\d+)\]\.(item|size|options\[(\d+)\])$`)

// suggest adds to a refusal of what is not on the menu what is, and is like it.
func suggest(ctx context.Context, cl *client.Client, lines []*proto.LineRequest, err error) error {
	refused, ok := errors.AsType[*client.Error](err)
	if !ok || refused.Code != event.UnknownItem && refused.Code != event.UnknownOption {
		return err
	}
	m := fieldOfLine.FindStringSubmatch(refused.Field)
	if m == nil {
		return err
	}
	n, _ := strconv.Atoi(m[1]) // digits
	if n >= len(lines) {
		return err
	}
	menu, menuErr := cl.Menu(ctx)
	if menuErr != nil {
		return err // the refusal itself says enough
	}
	word, all := lines[n].GetItem(), itemIDs(menu)
	if i := slices.Index(all, word); i >= 0 {
		word, all = optionIDs(lines[n], menu.GetItems()[i], m)
	}
	better := *refused
	better.Detail += ". " + hint(word, all)
	return &better
}

func itemIDs(menu *proto.MenuAnswer) []string {
	ids := make([]string, len(menu.GetItems()))
	for i, it := range menu.GetItems() {
		ids[i] = it.GetId()
	}
	return ids
}

// optionIDs returns the size or option that a field names, and those that there
// are.
func optionIDs(line *proto.LineRequest, item *proto.Item, field []string) (word string, all []string) {
	if field[2] == "size" {
		for _, s := range item.GetSizes() {
			all = append(all, s.GetId())
		}
		return line.GetSize(), all
	}
	for _, g := range item.GetOptions() {
		for _, ch := range g.GetChoices() {
			all = append(all, ch.GetId())
		}
	}
	if i, err := strconv.Atoi(field[3]); err == nil && i < len(line.GetOptions()) {
		word = line.GetOptions()[i]
	}
	return word, all
}

func hint(word string, all []string) string {
	if like := nearest(word, all); len(like) > 0 {
		return "Did you mean " + strings.Join(like, " or ") + "?"
	}
	if len(all) == 0 {
		return "There are none to choose from"
	}
	return "There is " + strings.Join(all, ", ")
}
