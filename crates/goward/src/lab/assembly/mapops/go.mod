module mapops

go 1.22
