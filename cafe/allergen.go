package cafe

// allergens are the fourteen substances of Regulation (EU) No 1169/2011,
// Annex II, by the ids that items use.
var allergens = [...]struct{ id, name string }{
	{"celery", "Celery"},
	{"crustaceans", "Crustaceans"},
	{"eggs", "Eggs"},
	{"fish", "Fish"},
	{"gluten", "Cereals containing gluten"},
	{"lupin", "Lupin"},
	{"milk", "Milk"},
	{"molluscs", "Molluscs"},
	{"mustard", "Mustard"},
	{"nuts", "Nuts"},
	{"peanuts", "Peanuts"},
	{"sesame", "Sesame"},
	{"soy", "Soy"},
	{"sulphites", "Sulphur dioxide and sulphites"},
}

// AllergenNames returns the English name of every allergen that items and
// choices may state, by its id.
func AllergenNames() map[string]string {
	names := make(map[string]string, len(allergens))
	for _, a := range allergens {
		names[a.id] = a.name
	}
	return names
}

func isAllergen(id string) bool {
	for _, a := range allergens {
		if a.id == id {
			return true
		}
	}
	return false
}
