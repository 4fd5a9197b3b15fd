package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

// verifyExport computes the root of the leaves anew, compares it with the one that was signed, proves each leaf to be in
// it, and the tree of an earlier export to be its beginning.
func verifyExport(dir, keyFile string, old []string) (string, error) {
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return "", err
	}
	tree, err := openCheckpoint(signed, keyFile)
	if err != nil {
		return "", err
	}
	leaves, stored, err := readLeaves(filepath.Join(dir, "leaves.jsonl"), tree.N)
	if err != nil {
		return "", err
	}
	root, err := tlog.TreeHash(tree.N, stored)
	if err != nil {
		return "", err
	}
	if root != tree.Hash {
		return "", fmt.Errorf("the root of the %d leaves is not the one that was signed", tree.N)
	}
	for i, leaf := range leaves {
		proof, err := tlog.ProveRecord(tree.N, int64(i), stored)
		if err != nil {
			return "", err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(i), leaf); err != nil {
			return "", fmt.Errorf("leaf %d: %w", i, err)
		}
	}
	said := fmt.Sprintf("%d leaves of %s", tree.N, tree.origin)
	if len(old) == 0 {
		return said, nil
	}
	before, err := compareWithOld(tree, old[0], keyFile, stored)
	return fmt.Sprintf("%s, the first %d as they were", said, before), err
}

func compareWithOld(tree checkpoint, dir, keyFile string, stored tlog.HashReader) (int64, error) {
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return 0, err
	}
	old, err := openCheckpoint(signed, keyFile)
	if err != nil {
		return 0, err
	}
	if old.N > tree.N {
		return 0, fmt.Errorf("the earlier export was signed at %d leaves, this one at %d: its end was cut off", old.N, tree.N)
	}
	proof, err := tlog.ProveTree(tree.N, old.N, stored)
	if err != nil {
		return 0, err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return 0, fmt.Errorf("the earlier export is not the beginning of this one: %w", err)
	}
	return old.N, nil
}

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(h)) {
			return nil, fmt.Errorf("there are fewer leaves than were signed")
		}
		found[i] = h[index]
	}
	return found, nil
}

// readLeaves gives the hashes of the first leaves, and those of the tree above them in the order of tlog.
func readLeaves(file string, size int64) ([]tlog.Hash, hashes, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	var leaves []tlog.Hash
	var stored hashes
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for int64(len(leaves)) < size && lines.Scan() {
		leaf, err := hashLine(lines.Bytes())
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", len(leaves)+1, err)
		}
		more, err := tlog.StoredHashesForRecordHash(int64(len(leaves)), leaf, stored)
		if err != nil {
			return nil, nil, err
		}
		leaves, stored = append(leaves, leaf), append(stored, more...)
	}
	return leaves, stored, lines.Err()
}

// hashLine gives a leaf's hash in the log; a line in braces is what is left of an event that was pruned.
func hashLine(line []byte) (tlog.Hash, error) {
	if len(line) == 0 || line[0] != '{' {
		return tlog.RecordHash(line), nil
	}
	var gone struct {
		LeafHash string `json:"leaf_hash"`
	}
	if err := json.Unmarshal(line, &gone); err != nil {
		return tlog.Hash{}, err
	}
	hash, err := hex.DecodeString(gone.LeafHash)
	if err != nil || len(hash) != tlog.HashSize {
		return tlog.Hash{}, fmt.Errorf("a pruned event without its hash")
	}
	return tlog.Hash(hash), nil
}
