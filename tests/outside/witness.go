package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// A small witness (c2sp.org/tlog-witness): cosigns checkpoints of one log, each only with the proof that the last one that
// it saw is the beginning of it. It remembers in a directory.
type witness struct {
	mu      sync.Mutex
	name    string
	key     ed25519.PrivateKey
	dir     string
	logKey  string // file with the log's verifier key
	lastOne []byte // the checkpoint, cosigned
}

const cosignatureV1 = 0x04

// serveWitness says "<address> <verifier key>" and serves until it is ended.
func serveWitness(dir, logKey, name string) error {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return err
	}
	w := &witness{name: name, key: ed25519.NewKeyFromSeed(seed), dir: dir, logKey: logKey}
	w.lastOne, _ = os.ReadFile(filepath.Join(dir, "seen")) // nothing seen yet is no error
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	public := append([]byte{cosignatureV1}, w.key.Public().(ed25519.PublicKey)...)
	fmt.Printf("http://%s %s+%s+%s\n", listener.Addr(), name, hex.EncodeToString(w.keyID()), base64.StdEncoding.EncodeToString(public))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.addCheckpoint)
	mux.HandleFunc("GET /{origin}/checkpoint", w.checkpoint)
	return http.Serve(listener, mux)
}

func (w *witness) keyID() []byte {
	sum := sha256.Sum256(append([]byte(w.name+"\n\x04"), w.key.Public().(ed25519.PublicKey)...))
	return sum[:4]
}

func (w *witness) addCheckpoint(out http.ResponseWriter, in *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, err := io.ReadAll(io.LimitReader(in.Body, 1<<20))
	old, proof, signed, ok := parseRequest(string(body))
	if err != nil || !ok {
		http.Error(out, "malformed", http.StatusBadRequest)
		return
	}
	tree, err := openCheckpoint([]byte(signed), w.logKey)
	if err != nil {
		http.Error(out, err.Error(), http.StatusForbidden)
		return
	}
	last := tlog.Tree{}
	if w.lastOne != nil {
		seen, err := openCheckpoint(w.lastOne, w.logKey)
		if err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
			return
		}
		last = seen.Tree
	}
	switch {
	case old > tree.N:
		http.Error(out, "old size after the checkpoint's", http.StatusBadRequest)
	case old != last.N:
		out.Header().Set("Content-Type", "text/x.tlog.size")
		out.WriteHeader(http.StatusConflict)
		fmt.Fprintf(out, "%d\n", last.N)
	case !consistent(last, tree.Tree, proof):
		http.Error(out, "not consistent", http.StatusUnprocessableEntity)
	default:
		line := w.cosign(signed)
		w.lastOne = []byte(signed + line)
		if err := os.WriteFile(filepath.Join(w.dir, "seen"), w.lastOne, 0o600); err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
			return
		}
		io.WriteString(out, line)
	}
}

func consistent(old, now tlog.Tree, proof tlog.TreeProof) bool {
	switch {
	case old.N == 0:
		return len(proof) == 0
	case old.N == now.N:
		return len(proof) == 0 && old.Hash == now.Hash
	}
	return tlog.CheckTree(proof, now.N, now.Hash, old.N, old.Hash) == nil
}

// cosign gives the signature line of c2sp.org/tlog-cosignature, Ed25519.
func (w *witness) cosign(signed string) string {
	text := signed[:strings.LastIndex(signed, "\n\n")+1]
	now := time.Now().Unix()
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", now, text)
	signature := binary.BigEndian.AppendUint64(w.keyID(), uint64(now))
	signature = append(signature, ed25519.Sign(w.key, []byte(message))...)
	return fmt.Sprintf("— %s %s\n", w.name, base64.StdEncoding.EncodeToString(signature))
}

func parseRequest(body string) (old int64, proof tlog.TreeProof, signed string, ok bool) {
	head, signed, found := strings.Cut(body, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || !strings.HasPrefix(lines[0], "old ") || len(lines) > 64 {
		return
	}
	old, err := strconv.ParseInt(lines[0][4:], 10, 64)
	if err != nil || strconv.FormatInt(old, 10) != lines[0][4:] {
		return
	}
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return
		}
		proof = append(proof, hash)
	}
	return old, proof, signed, true
}

func (w *witness) checkpoint(out http.ResponseWriter, in *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen, err := openCheckpoint(w.lastOne, w.logKey)
	if sum := sha256.Sum256([]byte(seen.origin)); err != nil || in.PathValue("origin") != hex.EncodeToString(sum[:]) {
		http.NotFound(out, in)
		return
	}
	out.Write(w.lastOne)
}
