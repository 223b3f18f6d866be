// Go's own sumdb packages as the oracle for fedproof's log.
//
//	go run . make FILE    writes vectors: roots, inclusion and consistency proofs, a signed checkpoint
//	go run . check DIR VERIFIER_KEY ORIGIN    reads a log that fedproof wrote: note signature, tiles, entries
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		out[i] = h[at]
	}
	return out, nil
}

type inclusion struct {
	Size, Index int64
	Proof       []string
}

type consistency struct {
	Old, Size int64
	Proof     []string
}

type vectors struct {
	Entries     []string
	Roots       []string
	Inclusion   []inclusion
	Consistency []consistency
	Origin      string
	Verifier    string
	Checkpoint  string
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func encode(list []tlog.Hash) []string {
	out := []string{}
	for _, h := range list {
		out = append(out, base64.StdEncoding.EncodeToString(h[:]))
	}
	return out
}

func build(entries [][]byte) hashes {
	var stored hashes
	for i, e := range entries {
		more, err := tlog.StoredHashes(int64(i), e, stored)
		must(err)
		stored = append(stored, more...)
	}
	return stored
}

func makeVectors(path string) {
	var entries [][]byte
	v := vectors{Origin: "fedproof-vectors"}
	for i := 0; i < 20; i++ {
		e := []byte(strings.Repeat("entry ", i) + strconv.Itoa(i))
		entries = append(entries, e)
		v.Entries = append(v.Entries, base64.StdEncoding.EncodeToString(e))
	}
	stored := build(entries)
	for size := int64(1); size <= 20; size++ {
		root, err := tlog.TreeHash(size, stored)
		must(err)
		v.Roots = append(v.Roots, base64.StdEncoding.EncodeToString(root[:]))
		for index := int64(0); index < size; index++ {
			proof, err := tlog.ProveRecord(size, index, stored)
			must(err)
			v.Inclusion = append(v.Inclusion, inclusion{size, index, encode(proof)})
		}
		for old := int64(1); old <= size; old++ {
			proof, err := tlog.ProveTree(size, old, stored)
			must(err)
			v.Consistency = append(v.Consistency, consistency{old, size, encode(proof)})
		}
	}
	signing, verifying, err := note.GenerateKey(rand.Reader, v.Origin)
	must(err)
	signer, err := note.NewSigner(signing)
	must(err)
	text := fmt.Sprintf("%s\n%d\n%s\n", v.Origin, 20, v.Roots[19])
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	must(err)
	v.Verifier, v.Checkpoint = verifying, string(signed)
	data, err := json.MarshalIndent(v, "", " ")
	must(err)
	must(os.WriteFile(path, append(data, '\n'), 0o644))
}

func bundles(dir string, size int64) [][]byte {
	var entries [][]byte
	for n := int64(0); n*256 < size; n++ {
		width := min(256, size-n*256)
		path := (tlog.Tile{H: 8, L: -1, N: n, W: int(width)}).Path()
		path = strings.Replace(path, "tile/8/data/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(dir, path))
		must(err)
		for len(data) > 0 {
			length := int(data[0])<<8 | int(data[1])
			entries = append(entries, data[2:2+length])
			data = data[2+length:]
		}
	}
	return entries
}

func checkLog(dir, key, origin string) {
	verifier, err := note.NewVerifier(key)
	must(err)
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	must(err)
	opened, err := note.Open(data, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	entries := bundles(dir, size)
	stored := build(entries)
	root, err := tlog.TreeHash(size, stored)
	must(err)
	if lines[0] != origin || lines[2] != base64.StdEncoding.EncodeToString(root[:]) || int64(len(entries)) != size {
		must(fmt.Errorf("the checkpoint is not of these entries"))
	}
	for _, tile := range tlog.NewTiles(8, 0, size) {
		want, err := tlog.ReadTileData(tile, stored)
		must(err)
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		have, err := os.ReadFile(filepath.Join(dir, path))
		must(err)
		if !bytes.Equal(want, have) {
			must(fmt.Errorf("%s differs", path))
		}
	}
	fmt.Printf("%d entries agree\n", size)
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "make" {
		makeVectors(os.Args[2])
	} else if len(os.Args) == 5 && os.Args[1] == "check" {
		checkLog(os.Args[2], os.Args[3], os.Args[4])
	} else {
		must(fmt.Errorf("usage: make FILE | check DIR VERIFIER_KEY ORIGIN"))
	}
}
