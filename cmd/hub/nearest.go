package main

import (
	"cmp"
	"slices"
	"strings"
)

// mostNear is how many near matches help; more are a list to read.
const mostNear = 3

// nearest returns the names that word may be meant for, the likeliest first:
// those with a few letters different, and those it is part of.
func nearest(word string, names []string) []string {
	word = strings.ToLower(word)
	type match struct {
		name string
		far  int
	}
	var matches []match
	for _, name := range names {
		far := distance(word, name)
		within := len(word) > 2 && strings.Contains(name, word)
		if far <= max(1, len(word)/3) || within {
			matches = append(matches, match{name, far})
		}
	}
	slices.SortStableFunc(matches, func(a, b match) int { return cmp.Compare(a.far, b.far) })
	var near []string
	for _, m := range matches[:min(len(matches), mostNear)] {
		near = append(near, m.name)
	}
	return near
}

// distance is how many letters have to be put in, taken out or replaced to make
// b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
