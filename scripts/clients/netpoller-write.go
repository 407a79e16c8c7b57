// SPDX-License-Identifier: GPL-2.0-only

// Go's netpoller: writes until a deadline, since nobody takes what is written, and then the rest;
// netpoller-write FILE LINES
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"
)

func main() {
	file, err := os.OpenFile(os.Args[1], os.O_WRONLY, 0)
	if err != nil {
		log.Fatal(err)
	}
	count, _ := strconv.Atoi(os.Args[2])
	var text []byte
	for i := 1; i <= count; i++ {
		text = fmt.Appendln(text, i)
	}
	file.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	done, err := file.Write(text)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		log.Fatal("a deadline passed, and the write gave: ", err)
	}
	file.SetWriteDeadline(time.Time{})
	fmt.Fprintln(os.Stderr, "waits")
	if _, err := file.Write(text[done:]); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}
