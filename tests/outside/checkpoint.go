package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type checkpoint struct {
	origin string
	tlog.Tree
}

// openCheckpoint reads a signed checkpoint (c2sp.org/tlog-checkpoint) that a key in a file, one a line, has signed.
func openCheckpoint(signed []byte, keyFile string) (checkpoint, error) {
	vkeys, err := os.ReadFile(keyFile)
	if err != nil {
		return checkpoint{}, err
	}
	var verifiers []note.Verifier
	for _, vkey := range strings.Fields(string(vkeys)) {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return checkpoint{}, err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(signed, note.VerifierList(verifiers...))
	if err != nil {
		return checkpoint{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return checkpoint{}, fmt.Errorf("a checkpoint has three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return checkpoint{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return checkpoint{}, fmt.Errorf("the root is no hash")
	}
	if name := opened.Sigs[0].Name; lines[0] != name {
		return checkpoint{}, fmt.Errorf("the checkpoint is of %s, and the key of %s", lines[0], name)
	}
	return checkpoint{lines[0], tlog.Tree{N: size, Hash: tlog.Hash(root)}}, nil
}
