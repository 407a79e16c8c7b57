// SPDX-License-Identifier: GPL-2.0-only

// Go's netpoller under test: deadlines, events and Close on a file. go run deadline.go
package main

import (
	"bufio"
	"errors"
	"fmt"
	"log"
	"os"
	"syscall"
	"time"
	"unsafe"
)

const trigger = 0xc004ed06 // IODEMO_TRIGGER of iodemo.h

func fire(f *os.File, count uint32) {
	conn, err := f.SyscallConn()
	if err != nil {
		log.Fatal(err)
	}
	conn.Control(func(fd uintptr) {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, trigger, uintptr(unsafe.Pointer(&count)))
		if errno != 0 {
			log.Fatal("IODEMO_TRIGGER: ", errno)
		}
	})
}

func main() {
	f, err := os.OpenFile("/dev/iodemo", os.O_RDWR, 0)
	if err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewReader(f)
	f.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := lines.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
		log.Fatal("nothing was fired, and a read gave ", err)
	}
	f.SetReadDeadline(time.Now().Add(10 * time.Second))
	go fire(f, 3)
	for i := 0; i < 3; i++ {
		if _, err := lines.ReadString('\n'); err != nil {
			log.Fatal(err)
		}
	}
	f.SetReadDeadline(time.Time{})
	go f.Close()
	if _, err := lines.ReadString('\n'); !errors.Is(err, os.ErrClosed) {
		log.Fatal("the file was closed, and a read gave ", err)
	}
	fmt.Println("Go: a deadline, 3 lines and Close")
}
