package main

import (
	"os"
	"path/filepath"
	"syscall"

	"roam6/store/subscriber"
)

// inherit gives files of a database that root has made to whom their directory belongs: the user that systemd runs an AAA server as. Its server could not
// read them otherwise.
func inherit(d *subscriber.DB, key string) error {
	if os.Geteuid() != 0 || !filepath.IsAbs(d.Where()) { // PostgreSQL has a URL
		return nil
	}
	if key == "" {
		key = d.Where() + ".key"
	}
	for _, path := range []string{d.Where(), d.Where() + "-wal", d.Where() + "-shm", key} {
		if err := handOver(path); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// handOver changes a file's owner, if it is root's own and in somebody's directory. It may be that somebody's link, so nothing is followed.
func handOver(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return handOverIn(dir, filepath.Base(path))
}

// handOverIn does so with a file of an open directory: what its name leads to meanwhile does not matter.
func handOverIn(dir *os.File, name string) error {
	above, err := dir.Stat()
	if err != nil {
		return err
	}
	to := above.Sys().(*syscall.Stat_t)
	if to.Uid == 0 {
		return nil
	}
	fd, err := syscall.Openat(int(dir.Fd()), name, syscall.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: filepath.Join(dir.Name(), name), Err: err}
	}
	f := os.NewFile(uintptr(fd), filepath.Join(dir.Name(), name))
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if at := info.Sys().(*syscall.Stat_t); at.Uid != 0 || at.Nlink != 1 || !info.Mode().IsRegular() {
		return nil
	}
	return f.Chown(int(to.Uid), int(to.Gid))
}
