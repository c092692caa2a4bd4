package cafe

import "testing"

func TestAllergenNames(t *testing.T) {
	names := AllergenNames()
	if len(names) != 14 {
		t.Errorf("there are %d allergens", len(names))
	}
	for id, name := range names {
		if !isAllergen(id) || !slug(id) || name == "" {
			t.Errorf("the allergen %q is named %q", id, name)
		}
	}
}
