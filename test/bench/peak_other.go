//go:build !unix

package main

import "os"

func peakMemory(*os.ProcessState) int64 { return 0 }
func onDisk(info os.FileInfo) int64     { return info.Size() }
