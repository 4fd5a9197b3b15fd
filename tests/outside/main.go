// outside verifies an export of the audit log, or the proof of one event, as somebody would who trusts neither the
// database nor the program that made it. Signatures: x/mod/sumdb/note. Trees and proofs: x/mod/sumdb/tlog.
//
//	outside export DIR KEY [OLD]       an export; with OLD, that what an earlier export signed is the beginning of it
//	outside proof FILE LEAF KEY        a c2sp.org/tlog-proof and the leaf that it is of
//	outside witness DIR KEY NAME       serves as a c2sp.org/tlog-witness of one log, for tests
//
// KEY is the file with the verifier key. Says "ok: …" and gives 0, or what is wrong and gives 1.
package main

import (
	"fmt"
	"os"
)

func main() {
	said, err := run(os.Args[1:])
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
	fmt.Println("ok:", said)
}

func run(args []string) (string, error) {
	switch {
	case len(args) >= 3 && len(args) <= 4 && args[0] == "export":
		return verifyExport(args[1], args[2], args[3:])
	case len(args) == 4 && args[0] == "proof":
		return verifyProof(args[1], args[2], args[3])
	case len(args) == 4 && args[0] == "witness":
		return "", serveWitness(args[1], args[2], args[3])
	}
	return "", fmt.Errorf("usage: outside export DIR KEY [OLD] | outside proof FILE LEAF KEY")
}
