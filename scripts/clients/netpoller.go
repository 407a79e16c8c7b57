// SPDX-License-Identifier: GPL-2.0-only

// Go's netpoller: a deadline, lines, and a Close that ends a read; netpoller FILE LINES
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"time"
)

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	left, _ := strconv.Atoi(os.Args[2])
	lines := bufio.NewReader(file)
	if err := file.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		log.Fatal(err)
	}
	if _, err := lines.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
		log.Fatal("a deadline passed, and the read gave: ", err)
	}
	file.SetReadDeadline(time.Time{})
	fmt.Fprintln(os.Stderr, "waits")
	for ; left > 0; left-- {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(line)
	}
	time.AfterFunc(10*time.Millisecond, func() { file.Close() })
	if _, err := lines.ReadString('\n'); !errors.Is(err, os.ErrClosed) {
		log.Fatal("the file was closed, and the read gave: ", err)
	}
}
