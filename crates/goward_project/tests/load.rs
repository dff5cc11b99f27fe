//! Whole trees in, package graphs out. Each test is one text: files under `-- path --` headers, and
//! under `-- want --` what the loader must say about them.

use std::path::Path;

use goward_project::{
    Environment, FileSystem, ImportTarget, LoadOptions, OverlayFileSystem, TestKind, Workspace,
    load,
};

/// A Go installation small enough for a test.
const GOROOT: &str = "\
-- /goroot/VERSION --
go1.26.8
-- /goroot/src/unsafe/unsafe.go --
package unsafe
-- /goroot/src/fmt/fmt.go --
package fmt
import \"unsafe\"
-- /goroot/src/net/net.go --
package net
import \"golang.org/x/net/dns\"
-- /goroot/src/net/cgo.go --
package net
import \"C\"
-- /goroot/src/vendor/golang.org/x/net/dns/dns.go --
package dns
-- /goroot/src/testing/testing.go --
package testing
import \"fmt\"
";

fn parse(text: &str) -> (OverlayFileSystem<goward_project::EmptyFileSystem>, String) {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in GOROOT.lines().chain(text.lines()) {
        let header = line
            .strip_prefix("-- ")
            .and_then(|rest| rest.strip_suffix(" --"));
        match (header, files.last_mut()) {
            (Some(name), _) => files.push((name.to_owned(), String::new())),
            (None, Some((_, contents))) => {
                contents.push_str(line);
                contents.push('\n');
            }
            (None, None) => {}
        }
    }
    let mut want = String::new();
    let mut overlay = OverlayFileSystem::in_memory::<&str, &str>([]);
    for (name, contents) in files {
        if name == "want" {
            want = contents;
        } else {
            let path = Path::new("/w").join(name);
            overlay.insert(&path, contents);
        }
    }
    (overlay, want)
}

fn environment(files: &dyn FileSystem, variables: &str) -> Environment {
    let mut environment = Environment::new(
        [
            ("GOROOT", "/goroot"),
            ("HOME", "/home"),
            ("CGO_ENABLED", "0"),
            ("GOOS", "linux"),
            ("GOARCH", "amd64"),
        ],
        files,
    );
    for variable in variables.split_whitespace() {
        let (name, value) = variable.split_once('=').unwrap();
        environment.set(name, value);
    }
    environment
}

/// One line a package; the standard library is left out unless it was asked for.
fn describe(workspace: &Workspace) -> String {
    let mut text = String::new();
    for package in &workspace.packages {
        if package.standard && package.dependency_only {
            continue;
        }
        text += &package.import_path;
        if let Some(module) = package.module {
            let module = &workspace.modules[module.0 as usize];
            if let Some(version) = &module.version {
                text += &format!(" @{version}");
            }
            if let Some(other) = &module.replaced_by {
                text += &format!(" => {other}");
            }
        }
        text += &format!(" {}", package.name);
        if package.dependency_only {
            text += " (dependency)";
        }
        text += ":";
        for file in &package.files {
            text += &format!(" {}", file.path.file_name().unwrap().display());
            match file.test {
                TestKind::No => {}
                TestKind::InPackage => text += "+test",
                TestKind::External => text += "+external",
            }
            for (holds, mark) in [
                (file.is_cgo, "+cgo"),
                (file.generated, "+generated"),
                (!file.selected, "+unselected"),
            ] {
                if holds {
                    text += mark;
                }
            }
            if file.go_version.0 != 24 {
                text += &format!("+go{}", file.go_version);
            }
        }
        for import in &package.imports {
            let name = match &import.target {
                ImportTarget::Package(index) => workspace.package(*index).import_path.to_string(),
                ImportTarget::C => "C".to_owned(),
                ImportTarget::Standard => format!("{} (embedded)", import.path),
                ImportTarget::Missing(reason) => format!("{} ({reason})", import.path),
            };
            text += &format!(" > {name}");
        }
        text += "\n";
    }
    for diagnostic in &workspace.diagnostics {
        text += &format!("{diagnostic}\n");
    }
    text
}

/// Loads with the patterns (separated by spaces) in folder `/w`, with the variables set.
#[track_caller]
fn check_with(patterns: &str, variables: &str, text: &str) -> Workspace {
    let (files, want) = parse(text);
    let environment = environment(&files, variables);
    let mut options = LoadOptions::new("/w").patterns(patterns.split_whitespace());
    options.folders_are_trees = false;
    let workspace = load(&options, &environment, &files);
    assert_eq!(describe(&workspace), want);
    check_invariants(&workspace);
    workspace
}

#[track_caller]
fn check(patterns: &str, text: &str) -> Workspace {
    check_with(patterns, "", text)
}

/// What every result promises.
#[track_caller]
fn check_invariants(workspace: &Workspace) {
    let mut place = vec![None; workspace.packages.len()];
    for (position, index) in workspace.order().iter().enumerate() {
        assert_eq!(
            place[index.0 as usize].replace(position),
            None,
            "twice in the order"
        );
    }
    for (index, package) in workspace.packages.iter().enumerate() {
        let own = place[index].expect("every package is in the order");
        for import in &package.imports {
            assert_eq!(package.import(&import.path).unwrap().offset, import.offset);
            assert!((import.file as usize) < package.files.len());
            if let ImportTarget::Package(target) = import.target
                && !import.test_only()
            {
                assert!(
                    place[target.0 as usize].unwrap() < own,
                    "{} is not first",
                    import.path
                );
            }
        }
        assert_eq!(
            workspace
                .find(&package.import_path)
                .map(|index| index.0 as usize),
            Some(index)
        );
    }
}

#[test]
fn a_module_with_tests_and_build_constraints() {
    check(
        "./...",
        "\
-- go.mod --
module example.com/m
go 1.24
-- main.go --
package main
import (\"fmt\"; \"example.com/m/x\")
-- main_windows.go --
package main
import \"nowhere\"
-- old.go --
//go:build go1.22
package main
-- generated.go --
// Code generated by x. DO NOT EDIT.

package main
-- script.go --
//go:build ignore
package script
-- x/x.go --
package x
-- x/x_test.go --
package x
import \"testing\"
-- x/export_test.go --
package x_test
import (\"testing\"; \"example.com/m/x\"; \"example.com/m/y\")
-- y/y.go --
package y
import \"example.com/m/x\"
-- testdata/t.go --
package t
-- _z/z.go --
package z
-- vendored/vendor/v/v.go --
package v
-- nested/go.mod --
module other
-- nested/n.go --
package n
-- want --
example.com/m main: generated.go+generated main.go old.go+go1.22 > example.com/m/x > fmt
example.com/m/x x: x.go x_test.go+test > testing
example.com/m/x_test x_test: export_test.go+external > example.com/m/x > example.com/m/y > testing
example.com/m/y y: y.go > example.com/m/x
",
    );
}

#[test]
fn modules_come_from_the_cache_with_escaped_names() {
    check(
        ".",
        "\
-- go.mod --
module example.com/m
go 1.24
require (
	github.com/Burnt/toml v1.2.3
	example.com/lost v0.1.0
	example.com/far v1.0.0
	example.com/near v1.0.0
	example.com/all v1.5.0
)
replace example.com/far v1.0.0 => ./far
replace example.com/near => github.com/Burnt/Near v0.2.0-RC1
replace example.com/all v1.4.0 => ./unused
-- m.go --
package m
import (
	\"github.com/Burnt/toml\"
	\"github.com/Burnt/toml/sub\"
	\"example.com/lost\"
	\"example.com/far/f\"
	\"example.com/near\"
	\"example.com/unknown\"
	\"example.com/m/gone\"
	\"nostd\"
	\"../up\"
)
-- /home/go/pkg/mod/github.com/!burnt/toml@v1.2.3/t.go --
package toml
-- /home/go/pkg/mod/github.com/!burnt/!near@v0.2.0-!r!c1/go.mod --
module example.com/near
go 1.19
-- /home/go/pkg/mod/github.com/!burnt/!near@v0.2.0-!r!c1/n.go --
package near
-- far/go.mod --
module example.com/far
-- far/f/f.go --
package f
-- want --
example.com/far/f @v1.0.0 => ./far f (dependency): f.go+go1.16
example.com/m m: m.go > ../up (the path is relative or malformed) > example.com/far/f > example.com/lost (example.com/lost@v0.1.0 is not in the module cache) > example.com/m/gone (module example.com/m has no such package) > example.com/near > example.com/unknown (no required module provides it) > github.com/Burnt/toml > github.com/Burnt/toml/sub (github.com/Burnt/toml@v1.2.3 has no such package) > nostd (it is not in the standard library of this Go release)
example.com/near @v1.0.0 => github.com/Burnt/Near@v0.2.0-RC1 near (dependency): n.go+go1.19
github.com/Burnt/toml @v1.2.3 toml (dependency): t.go+go1.16
/w/m.go:4:2: warning: package github.com/Burnt/toml/sub is not found: github.com/Burnt/toml@v1.2.3 has no such package [missing-import]
/w/m.go:5:2: warning: module example.com/lost@v0.1.0 is not in the module cache [missing-import]
/w/m.go:8:2: warning: package example.com/unknown is not found: no required module provides it [missing-import]
/w/m.go:9:2: warning: package example.com/m/gone is not found: module example.com/m has no such package [missing-import]
/w/m.go:10:2: warning: package nostd is not found: it is not in the standard library of this Go release [missing-import]
/w/m.go:11:2: warning: package ../up is not found: the path is relative or malformed [missing-import]
",
    );
}

#[test]
fn what_go_mod_does_not_list_is_selected_by_minimal_versions() {
    check(
        ".",
        "\
-- go.mod --
module example.com/m
go 1.16
require (
	a.b/a v1.0.0
	a.b/b v1.0.0
)
exclude a.b/c v1.3.0
-- m.go --
package m
import \"a.b/c\"
-- /home/go/pkg/mod/cache/download/a.b/a/@v/v1.0.0.mod --
module a.b/a
require a.b/c v1.2.0
-- /home/go/pkg/mod/cache/download/a.b/b/@v/v1.0.0.mod --
module a.b/b
require (
	a.b/c v1.10.0
	a.b/c v1.3.0
)
-- /home/go/pkg/mod/a.b/c@v1.10.0/c.go --
package c
-- want --
a.b/c @v1.10.0 c (dependency): c.go+go1.16
example.com/m m: m.go+go1.16 > a.b/c
",
    );
    // The same where go.mod should have listed it, but is not tidy.
    check(
        ".",
        "\
-- go.mod --
module example.com/m
go 1.24
require a.b/a v1.0.0
-- m.go --
package m
import \"a.b/c\"
-- /home/go/pkg/mod/cache/download/a.b/a/@v/v1.0.0.mod --
module a.b/a
go 1.17
require a.b/c v1.2.0
-- /home/go/pkg/mod/a.b/c@v1.2.0/c.go --
package c
-- want --
a.b/c @v1.2.0 c (dependency): c.go+go1.16
example.com/m m: m.go > a.b/c
",
    );
}

const VENDORED: &str = "\
-- go.mod --
module example.com/m
go 1.24
require a.b/c v1.2.0
-- m.go --
package m
import (\"a.b/c\"; \"a.b/c/unlisted\")
-- vendor/modules.txt --
# a.b/c v1.2.0
## explicit; go 1.20
a.b/c
-- vendor/a.b/c/c.go --
package c
-- vendor/a.b/c/unlisted/u.go --
package unlisted
-- /home/go/pkg/mod/a.b/c@v1.2.0/c.go --
package c
-- /home/go/pkg/mod/a.b/c@v1.2.0/unlisted/c.go --
package unlisted
";

#[test]
fn a_vendor_folder_comes_before_the_cache() {
    let workspace = check(
        "./...",
        &format!(
            "{VENDORED}\
-- want --
a.b/c @v1.2.0 c (dependency): c.go+go1.20
example.com/m m: m.go > a.b/c > a.b/c/unlisted (it is not in vendor/modules.txt)
/w/m.go:2:18: warning: package a.b/c/unlisted is not found: it is not in vendor/modules.txt [missing-import]
"
        ),
    );
    let package = workspace.package(workspace.find("a.b/c").unwrap());
    assert_eq!(package.directory.as_path(), Path::new("/w/vendor/a.b/c"));
    check_with(
        ".",
        "GOFLAGS=-mod=mod",
        &format!(
            "{VENDORED}\
-- want --
a.b/c @v1.2.0 c (dependency): c.go+go1.16
a.b/c/unlisted @v1.2.0 unlisted (dependency): c.go+go1.16
example.com/m m: m.go > a.b/c > a.b/c/unlisted
"
        ),
    );
}

#[test]
fn a_vendor_folder_that_disagrees_is_reported() {
    check(
        ".",
        "\
-- go.mod --
module example.com/m
go 1.24
require a.b/c v1.3.0
-- m.go --
package m
-- vendor/modules.txt --
# a.b/c v1.2.0
## explicit; go 1.20
two words
-- want --
example.com/m m: m.go
/w/go.mod:3: warning: a.b/c@v1.3.0 is required, but not marked as explicit in /w/vendor/modules.txt [vendor-inconsistent]
/w/vendor/modules.txt:3: warning: neither a module, an annotation nor a package [vendor-list-line]
",
    );
}

const WORKSPACE: &str = "\
-- go.work --
go 1.24
use (
	./a
	./b
)
-- a/go.mod --
module example.com/a
go 1.24
require x.y/z v1.0.0
-- a/a.go --
package a
import (\"example.com/b/inner\"; \"x.y/z\")
-- b/go.mod --
module example.com/b
go 1.24
require x.y/z v1.1.0
-- b/inner/i.go --
package inner
-- c/go.mod --
module example.com/c
go 1.24
-- c/c.go --
package c
-- /home/go/pkg/mod/x.y/z@v1.1.0/z.go --
package z
";

#[test]
fn a_workspace_joins_its_modules() {
    let want = "\
-- want --
example.com/a a: a.go > example.com/b/inner > x.y/z
example.com/b/inner inner: i.go
x.y/z @v1.1.0 z (dependency): z.go+go1.16
";
    check("./a ./b/...", &format!("{WORKSPACE}{want}"));
    check("./...", &format!("{WORKSPACE}{want}"));
    check_with(
        "./a",
        "GOWORK=off",
        &format!(
            "{WORKSPACE}\
-- want --
example.com/a a: a.go > example.com/b/inner (no required module provides it) > x.y/z (x.y/z@v1.0.0 is not in the module cache)
/w/a/a.go:2:9: warning: package example.com/b/inner is not found: no required module provides it [missing-import]
/w/a/a.go:2:32: warning: module x.y/z@v1.0.0 is not in the module cache [missing-import]
"
        ),
    );
    check(
        "./c",
        &format!(
            "{WORKSPACE}\
-- want --
example.com/c c: c.go
/w/c/go.mod: warning: this module is not among those that go.work uses, so it is read by itself [module-not-in-workspace]
"
        ),
    );
}

#[test]
fn the_standard_library_has_its_own_vendor_folder() {
    check_with(
        "net",
        "CGO_ENABLED=1",
        "\
-- go.mod --
module m
go 1.24
-- want --
net net: net.go+go1.26 > vendor/golang.org/x/net/dns
",
    );
}

#[test]
fn without_a_go_installation_the_standard_library_is_built_in() {
    let text = "\
-- go.mod --
module m
go 1.24
-- m.go --
package m
import (\"fmt\"; \"fnt\"; \"m/x\"; \"net/http\"; \"unsafe\")
-- x/x.go --
package x
-- want --
m m: m.go > fmt (embedded) > fnt (it is not in the standard library of this Go release) > m/x \
> net/http (embedded) > unsafe (embedded)
m/x x (dependency): x.go
note: no Go installation was found; the standard library of Go 1.26.8 built into goward is used \
[standard-library]
/nowhere: warning: GOROOT names this folder, but no standard library is in it; that of Go 1.26.8 \
built into goward is used [go-root]
/w/m.go:2:16: warning: package fnt is not found: it is not in the standard library of this Go \
release [missing-import]
";
    let workspace = check_with(".", "GOROOT=/nowhere", text);
    assert!(workspace.goroot.is_none());
}

#[test]
fn a_module_may_ask_for_a_newer_go_than_there_is() {
    let text = "\
-- go.mod --
module m
go 1.30
-- m.go --
package m
import \"net/http\"
-- want --
";
    let newer = "\
m m: m.go+go1.30 > net/http (embedded)
note: Go 1.26.8 in /goroot is older than the Go 1.30 that the module asks for; the standard \
library of Go 1.26.8 built into goward is used [standard-library]
/w/go.mod: warning: it asks for Go 1.30; what is known is the standard library of Go 1.26.8 built \
into goward [go-release]
";
    check_with(".", "", &format!("{text}{newer}"));
}

#[test]
fn cycles_are_cut_and_reported() {
    check(
        "./...",
        "\
-- go.mod --
module m
go 1.24
-- a/a.go --
package a
import \"m/b\"
-- b/b.go --
package b
import (\"m/c\"; \"m/b\")
-- c/c.go --
package c
import \"m/a\"
-- d/d_test.go --
package d
import \"m/e\"
-- d/d.go --
package d
-- e/e.go --
package e
-- e/e_test.go --
package e
import \"m/d\"
-- want --
m/a a: a.go > m/b
m/b b: b.go > m/b (import cycle: m/b -> m/b) > m/c
m/c c: c.go > m/a (import cycle: m/a -> m/b -> m/c -> m/a)
m/d d: d.go d_test.go+test > m/e
m/e e: e.go e_test.go+test > m/d
/w/b/b.go:2:16: error: import cycle not allowed: m/b -> m/b [import-cycle]
/w/c/c.go:2:8: error: import cycle not allowed: m/a -> m/b -> m/c -> m/a [import-cycle]
",
    );
}

#[test]
fn files_that_cannot_be_used_are_left_out_with_a_reason() {
    check(
        ".",
        "\
-- go.mod --
module m
go 1.24
frobnicate
-- a.go --
package m
-- b.go --
package other
-- c.go --
//go:build a b
package m
-- d.go --
-- e.go --
package m
import \"x
-- want --
m m: a.go d.go e.go
/w/b.go:1:9: error: this file is of package other, but a.go beside it of package m [mixed-packages]
/w/c.go:1:1: error: the file is left out: //go:build: unexpected token b [file-header]
/w/go.mod:3:1: error: unknown directive: frobnicate [go-mod-syntax]
",
    );
}

#[test]
fn patterns_are_what_go_people_type() {
    let tree = "\
-- go.mod --
module example.com/m
go 1.24
ignore (
	./skipped
	anywhere
)
-- a/a.go --
package a
-- a/a_more.go --
package a
-- a/b/b.go --
package b
-- a/anywhere/n.go --
package n
-- skipped/s.go --
package s
-- w/w_windows.go --
package w
";
    let a = "example.com/m/a a: a.go a_more.go\n";
    let b = "example.com/m/a/b b: b.go\n";
    for (patterns, want) in [
        ("", format!("{a}{b}")),
        ("./a", a.to_owned()),
        ("a", a.to_owned()),
        ("./a/...", format!("{a}{b}")),
        ("a/...", format!("{a}{b}")),
        ("example.com/m/a", a.to_owned()),
        ("example.com/m/a/...", format!("{a}{b}")),
        ("example.com/.../b", b.to_owned()),
        ("/w/a/b ./a/b", b.to_owned()),
        ("a/a.go", "example.com/m/a a: a.go a_more.go+unselected\n".to_owned()),
        ("a/a.go a/a_more.go", a.to_owned()),
        ("a/a.go ./a", a.to_owned()),
        ("fmt", "fmt fmt: fmt.go+go1.26 > unsafe\n".to_owned()),
        (
            "./w",
            "/w/w: warning: build constraints exclude all Go files for linux/amd64 [no-files-for-build]\n".to_owned(),
        ),
        (
            "w/w_windows.go",
            "/w/w/w_windows.go: warning: build constraints exclude the file for linux/amd64 [file-not-for-build]\n".to_owned(),
        ),
        ("./none", "/w/none: error: cannot read the folder: entity not found [pattern]\n".to_owned()),
        ("none.go", "/w/none.go: error: there is no such file [pattern]\n".to_owned()),
        (
            "a.b/c",
            "error: \"a.b/c\" is neither a package nor a folder: no required module provides it [pattern]\n".to_owned(),
        ),
        ("./none/...", "/w/none: error: there is no such folder [pattern]\n".to_owned()),
    ] {
        check(patterns, &format!("{tree}-- want --\n{want}"));
    }
}

#[test]
fn trees_without_go_mod_resolve_what_they_can() {
    check(
        "./...",
        "\
-- .git/config --
-- main.go --
package main
import (\"github.com/me/w/sub\"; \"./sub\"; \"github.com/other/lib\"; \"github.com/not/here\"; \"fmt\")
-- sub/s.go --
package sub
-- vendor/github.com/other/lib/l.go --
package lib
-- want --
w main: main.go+go1.26 > w/sub > fmt > w/sub > github.com/not/here (it is neither vendored nor in GOPATH) > w/vendor/github.com/other/lib
w/sub sub: s.go+go1.26
w/vendor/github.com/other/lib lib (dependency): l.go+go1.26
/w/main.go:2:65: warning: package github.com/not/here is not found: it is neither vendored nor in GOPATH [missing-import]
",
    );
    check_with(
        "/gp/src/github.com/me/p",
        "GOPATH=/gp",
        "\
-- /gp/src/github.com/me/p/p.go --
package p
import (\"github.com/me/q\"; \"github.com/me/r\")
-- /gp/src/github.com/me/q/q.go --
package q
-- /gp/src/github.com/me/vendor/github.com/me/r/r.go --
package r
-- want --
github.com/me/p p: p.go+go1.26 > github.com/me/q > github.com/me/vendor/github.com/me/r
github.com/me/q q (dependency): q.go+go1.26
github.com/me/vendor/github.com/me/r r (dependency): r.go+go1.26
",
    );
}

#[test]
fn cgo_files_are_marked_or_left_out() {
    let text = "\
-- go.mod --
module m
go 1.24
-- a.go --
package m
-- c.go --
package m
// #include <x.h>
import \"C\"
import \"fmt\"
-- n.go --
//go:build !cgo
package m
";
    check(".", &format!("{text}-- want --\nm m: a.go n.go\n"));
    check_with(
        ".",
        "CGO_ENABLED=1",
        &format!("{text}-- want --\nm m: a.go c.go+cgo > C > fmt\n"),
    );
}

#[test]
fn an_overlay_comes_before_what_is_below_it() {
    let (files, _) = parse("-- go.mod --\nmodule m\ngo 1.24\n-- a.go --\npackage m\n");
    let mut overlay = OverlayFileSystem::new(files);
    overlay.insert(Path::new("/w/a.go"), "package m\nimport \"fmt\"\n");
    overlay.insert(Path::new("/w/new/n.go"), "package n\n");
    let environment = environment(&overlay, "");
    let workspace = load(&LoadOptions::new("/w"), &environment, &overlay);
    assert_eq!(describe(&workspace), "m m: a.go > fmt\nm/new n: n.go\n");
    let package = workspace.package(workspace.find("m").unwrap());
    let contents = package.files[0].contents.as_deref().unwrap();
    assert_eq!(contents, b"package m\nimport \"fmt\"\n");
}
