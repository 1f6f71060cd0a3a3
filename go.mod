module roam6

go 1.26
