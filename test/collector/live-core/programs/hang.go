// Goroutines that wait for a mutex, and one that spins.
package main

import (
	"fmt"
	"sync"
	"time"
)

func deep(depth int, lock *sync.Mutex) int {
	if depth == 0 {
		lock.Lock()
		return 1
	}
	return deep(depth-1, lock) + 1
}

func main() {
	var lock sync.Mutex
	lock.Lock()
	for depth := 0; depth < 20; depth++ {
		go deep(depth, &lock)
	}
	go func() {
		for round := 0; ; round++ {
			if round < 0 {
				fmt.Println(round)
			}
		}
	}()
	fmt.Println("ready")
	time.Sleep(time.Hour)
}
