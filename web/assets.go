package web

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
)

// contentTypes are the kinds of assets there are.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
}

// assets are the built scripts and sheets, by the name with their hash in it,
// so that a browser may keep them for ever.
type assets struct {
	// urls maps "board.js" to "/assets/board-1f2e3d4c.js".
	urls map[string]string
	// bytes maps "board-1f2e3d4c.js" to the content.
	bytes map[string][]byte
	// build is a hash of everything.
	build string
}

func loadAssets(files fs.FS) assets {
	a := assets{urls: map[string]string{}, bytes: map[string][]byte{}}
	entries, err := fs.ReadDir(files, "dist")
	if err != nil {
		return a // no dist is the same as an empty one: pages say what to do
	}
	all := sha256.New()
	for _, e := range entries {
		ext := path.Ext(e.Name())
		if e.IsDir() || contentTypes[ext] == "" {
			continue
		}
		b, err := fs.ReadFile(files, "dist/"+e.Name())
		if err != nil {
			continue
		}
		sum := sha256.Sum256(b)
		all.Write(sum[:])
		hashed := strings.TrimSuffix(e.Name(), ext) + "-" + hex.EncodeToString(sum[:5]) + ext
		a.urls[e.Name()] = "/assets/" + hashed
		a.bytes[hashed] = b
	}
	a.build = hex.EncodeToString(all.Sum(nil)[:5])
	return a
}

// has reports whether a page's script and sheet were built.
func (a assets) has(page string) bool {
	return a.urls[page+".css"] != "" && (page == "home" || a.urls[page+".js"] != "")
}

// onlyAssets drops all assets but the named ones.
func (s *site) onlyAssets(names ...string) {
	for name, url := range s.assets.urls {
		if !slices.Contains(names, name) {
			delete(s.assets.urls, name)
			delete(s.assets.bytes, path.Base(url))
		}
	}
}

func (s *site) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	b, ok := s.assets.bytes[name]
	if !ok {
		s.notFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentTypes[path.Ext(name)])
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(b)
}
