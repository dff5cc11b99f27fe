//! `response-body-not-closed`: the body of an HTTP response that nobody closes.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::unparenthesized;
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypedFile};
use rustc_hash::FxHashMap;

use crate::context::Context;
use crate::response_ends::Response;
use crate::response_paths::LeftOpen;
use crate::rule::{Group, rule};
use crate::standard_library::{called_function, called_method, local_variable};
use crate::walk::{walk, walk_all};

rule! {
    /// Reports HTTP responses whose body is never closed.
    ///
    /// ## What it reports
    ///
    /// A response that `http.Get`, `http.Client.Do` and their like return and that is kept in a local
    /// variable, where the function neither closes its body nor gives the response or the body to
    /// somebody who might, on all ways or on some: the return for a bad status before
    /// `defer response.Body.Close()`, the next attempt of a loop that tries again. Reading a part of the
    /// body is no closing. Silent where nothing stays open:
    /// the request is a `HEAD`, `io.ReadAll` or `io.Copy` reads the body to its end right after the error
    /// has been checked, the client is a literal with a `Timeout`, the request has a context that the
    /// function cancels on every way out, or the process ends. Tests are left out.
    ///
    /// ## Why it matters
    ///
    /// The connection stays open, and with it the goroutines that serve it, on both sides. Each call
    /// leaves more of them.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"encoding/json"
    /// 	"errors"
    /// 	"net/http"
    /// )
    ///
    /// func alive(url string) bool {
    /// 	response, err := http.Get(url) // want response-body-not-closed
    /// 	if err != nil {
    /// 		return false
    /// 	}
    /// 	return response.StatusCode == 200
    /// }
    ///
    /// func fetch(url string, value any) error {
    /// 	response, err := http.Get(url) // want "the body of `response` is not closed on every path"
    /// 	if err != nil {
    /// 		return err
    /// 	}
    /// 	if response.StatusCode != http.StatusOK {
    /// 		return errors.New(response.Status)
    /// 	}
    /// 	defer response.Body.Close()
    /// 	return json.NewDecoder(response.Body).Decode(value)
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "net/http"
    ///
    /// func alive(url string) bool {
    /// 	response, err := http.Get(url)
    /// 	if err != nil {
    /// 		return false
    /// 	}
    /// 	defer response.Body.Close()
    /// 	return response.StatusCode == 200
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: `defer response.Body.Close()` has to stand after the check of the error.
    pub(crate) const RULE: Rule = Rule {
        name: "response-body-not-closed",
        category: Category::Leak,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let main = context.is_command();
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        if file.test || (main && unit.name == "main") {
            continue;
        }
        walk(unit, |node, _| {
            let Statement::Assign {
                left: [name, _],
                right: [value],
                ..
            } = file.tree.statement(node)
            else {
                return;
            };
            let call = unparenthesized(file, *value);
            if !returns_response(context, file, call) {
                return;
            }
            let Some(variable) = local_variable(context, file, id, *name) else {
                return;
            };
            let response = Response {
                context,
                id,
                unit,
                file,
                statement: node,
                call,
                variable,
            };
            let left_open = if is_never_closed(file, unit.body, variable) {
                None
            } else {
                let open = response.left_open(|node, parents| is_harmless(file, node, parents));
                let Some(open) = open else { return };
                Some(open)
            };
            if response.ends_by_itself() {
                return;
            }
            let name = context.world().object(variable).name;
            let how = match left_open {
                None => "never closed",
                Some(LeftOpen::Return(_)) => "not closed on every path",
                Some(LeftOpen::NextTurn) => "not closed before the next turn",
            };
            let path = context.path(unit.file);
            let mut diagnostic = RULE
                .diagnostic(
                    path.clone(),
                    context.span(unit.file, call),
                    format!("the body of `{name}` is {how}"),
                )
                .in_function(context.function(id))
                .operation(format!("{name}.Body"));
            if let Some(LeftOpen::Return(exit)) = left_open {
                diagnostic = diagnostic.step(
                    path,
                    context.span(unit.file, exit),
                    "the function can return here with the body open",
                );
            }
            let help = match left_open {
                Some(LeftOpen::NextTurn) => {
                    format!("`{name}.Body.Close()` before the loop goes on")
                }
                _ => format!("`defer {name}.Body.Close()` after the error has been checked"),
            };
            findings.push(diagnostic.help(help));
        });
    }
}

/// Whether a call of package net/http returns a response with a body.
fn returns_response(context: &Context<'_>, file: &TypedFile<'_>, call: NodeId) -> bool {
    if let Some(("net/http", name)) = called_function(context, file, call) {
        return matches!(name, "Get" | "Post" | "PostForm");
    }
    called_method(context, file, call).is_some_and(|method| {
        method.of == ("net/http", "Client")
            && matches!(method.name, "Do" | "Get" | "Post" | "PostForm")
    })
}

/// Whether all that is done with a response is understood, and closing its body is not among it.
fn is_never_closed(file: &TypedFile<'_>, body: NodeId, variable: ObjectId) -> bool {
    let tree = file.tree;
    let mut parents: FxHashMap<NodeId, NodeId> = FxHashMap::default();
    let mut uses = Vec::new();
    walk_all(tree, body, |node| {
        tree.for_each_child(node, |child| {
            parents.insert(child, node);
        });
        if tree.kind(node) == NodeKind::Ident && file.facts.object_of(node) == Some(variable) {
            uses.push(node);
        }
    });
    uses.iter().all(|&node| is_harmless(file, node, &parents))
}

/// Whether a use of a response neither closes its body nor gives one of them away.
fn is_harmless(file: &TypedFile<'_>, node: NodeId, parents: &FxHashMap<NodeId, NodeId>) -> bool {
    let tree = file.tree;
    let Some(&parent) = parents.get(&node) else {
        return false;
    };
    match tree.kind(parent) {
        NodeKind::AssignStmt => {
            matches!(tree.statement(parent), Statement::Assign { left, .. } if left.contains(&node))
        }
        NodeKind::BinaryExpr => true,
        NodeKind::SelectorExpr => {
            let Expression::Selector { name, .. } = tree.expression(parent) else {
                return false;
            };
            // `Write` closes the body when it has been written.
            let name = tree.symbol(name).as_str();
            name != "Write" && name != "Body"
                || name == "Body"
                    && parents
                        .get(&parent)
                        .is_some_and(|&around| only_reads(file, around, parent))
        }
        _ => false,
    }
}

/// Whether what is done with a body reads it and does not keep it.
fn only_reads(file: &TypedFile<'_>, around: NodeId, body: NodeId) -> bool {
    let tree = file.tree;
    let Expression::Call {
        function,
        arguments,
        ..
    } = tree.expression(around)
    else {
        return false;
    };
    let Expression::Selector { operand, name } = tree.expression(function) else {
        return false;
    };
    let package = match tree.kind(operand) {
        NodeKind::Ident => tree.symbol(operand).as_str(),
        _ => return false,
    };
    arguments.contains(&body)
        && matches!(
            (package, tree.symbol(name).as_str()),
            ("io" | "ioutil", "ReadAll" | "Copy")
                | ("json" | "xml", "NewDecoder")
                | ("bufio", "NewReader" | "NewScanner")
        )
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn responses_and_who_closes_them() {
        check(
            &RULE,
            r#"
package p

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

func use(*http.Response)   {}

func badStatus(client *http.Client, request *http.Request) (string, error) {
	r, err := client.Do(request) // want "the body of `r` is not closed on every path"
	if err != nil {
		return "", err
	}
	if r.StatusCode >= 400 {
		return "", errors.New(r.Status)
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	return string(data), err
}

func noBody(client *http.Client, request *http.Request) error {
	r, err := client.Do(request)
	switch {
	case err != nil:
		return err
	case r.StatusCode == 204:
		return nil
	}
	switch r.StatusCode {
	case 304:
		return nil
	}
	return r.Body.Close()
}

func again(client *http.Client, request *http.Request) (*http.Response, error) {
	for range 3 {
		r, err := client.Do(request) // want "the body of `r` is not closed before the next turn"
		if err != nil {
			return nil, err
		}
		if r.StatusCode < 500 {
			return r, nil
		}
	}
	return nil, nil
}

func againClosed(client *http.Client, request *http.Request) (r *http.Response, err error) {
	for range 3 {
		r, err = client.Do(request)
		if errors.Is(err, io.EOF) {
			continue
		}
		if err == nil {
			break
		}
	}
	return r, err
}

func onlyIf(client *http.Client, request *http.Request) (ok bool) {
	r, err := client.Do(request)
	if r != nil {
		defer r.Body.Close()
	}
	if err == nil && r.StatusCode == 200 {
		ok = true
	}
	return ok
}

func errorAndStatus(client *http.Client, request *http.Request) bool {
	r, err := client.Do(request) // want "the body of `r` is not closed on every path"
	if err == nil && r.StatusCode == 200 {
		r.Body.Close()
		return true
	}
	return false
}

func written(w io.Writer, url string) error {
	r, err := http.Get(url)
	if err != nil {
		return err
	}
	return r.Write(w)
}

func byFlag(client *http.Client, request *http.Request) error {
	var r *http.Response
	var err error
	good := false
	for range 3 {
		r, err = client.Do(request)
		if err != nil {
			continue
		}
		good = true
		break
	}
	if !good {
		return err
	}
	return r.Body.Close()
}

func otherTest(client *http.Client, request *http.Request) error {
	r, err := client.Do(request)
	switch err {
	case nil:
	default:
		return err
	}
	defer r.Body.Close()
	return nil
}

func checked(client *http.Client, request *http.Request) error {
	r, err := client.Do(request)
	if err != nil {
		return err
	}
	if good(r) != nil {
		return errors.New("bad")
	}
	return r.Body.Close()
}

func good(r *http.Response) error { return r.Body.Close() }
func read(io.ReadCloser) {}

func onlyRead(client *http.Client, request *http.Request) ([]byte, error) {
	r, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r.Body)
}

func readIfGood(client *http.Client, request *http.Request) ([]byte, error) {
	r, err := client.Do(request) // want "the body of `r` is never closed"
	if err != nil {
		return nil, err
	}
	if r.StatusCode != 200 {
		return nil, nil
	}
	return io.ReadAll(r.Body)
}

func otherError(client *http.Client, request *http.Request) ([]byte, error) {
	r, err := client.Do(request) // want "the body of `r` is never closed"
	if err != nil {
		return nil, err
	}
	_, err = os.Open("x")
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r.Body)
}

func inLoop(client *http.Client, request *http.Request) {
	for {
		r, err := client.Do(request)
		if err != nil {
			continue
		}
		var data []byte
		data, err = io.ReadAll(r.Body)
		if err != nil {
			continue
		}
		println(len(data))
	}
}

func decoded(client *http.Client, request *http.Request, to any) error {
	r, err := client.Do(request) // want "the body of `r` is never closed"
	if err != nil {
		return err
	}
	return json.NewDecoder(r.Body).Decode(to)
}

func head(client *http.Client, url string) int {
	request, err := http.NewRequest("HEAD", url, nil)
	if err != nil {
		return 0
	}
	r, err := client.Do(request)
	if err != nil {
		return 0
	}
	return r.StatusCode
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
func make(url string, method string) (*http.Request, error) { return http.NewRequest(method, url, nil) }
func makeHead(url string) *http.Request { return must(make(url, "HEAD")) }

func headWithin(client *http.Client, url string) int {
	r, err := client.Do(must(http.NewRequest("HEAD", url, nil)))
	if err != nil {
		return 0
	}
	return r.StatusCode
}
func headByParameter(client *http.Client, url string) int {
	request, err := make(url, "HEAD")
	if err != nil {
		return 0
	}
	r, err := client.Do(request)
	if err != nil {
		return 0
	}
	return r.StatusCode
}
func getByParameter(client *http.Client, url string) int {
	request, err := make(url, "GET")
	if err != nil {
		return 0
	}
	r, err := client.Do(request) // want "the body of `r` is never closed"
	if err != nil {
		return 0
	}
	return r.StatusCode
}
func getWithin(client *http.Client, url string) int {
	r, err := client.Do(must(http.NewRequest("GET", url, nil))) // want "the body of `r` is never closed"
	if err != nil {
		return 0
	}
	return r.StatusCode
}

func headOrGet(client *http.Client, url string, b bool) int {
	request, _ := http.NewRequest(http.MethodHead, url, nil)
	if b {
		request, _ = http.NewRequest(http.MethodGet, url, nil)
	}
	r, err := client.Do(request) // want "the body of `r` is never closed"
	if err != nil {
		return 0
	}
	return r.StatusCode
}

func cancelled(client *http.Client, ctx context.Context, url string) int {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return 0
	}
	r, err := client.Do(request)
	if err != nil {
		return 0
	}
	return r.StatusCode
}

func cancelledHere(client *http.Client, ctx context.Context, request *http.Request) int {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := client.Do(request.WithContext(ctx))
	if err != nil {
		return 0
	}
	return r.StatusCode
}

func notCancelled(client *http.Client, ctx context.Context, url string) int {
	request, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
	r, err := client.Do(request) // want "the body of `r` is never closed"
	if err != nil {
		return 0
	}
	return r.StatusCode
}

func limited(url string) int {
	client := &http.Client{Timeout: time.Second}
	r, err := client.Get(url)
	if err != nil {
		return 0
	}
	return r.StatusCode
}

func unlimited(url string) int {
	client := &http.Client{}
	r, err := client.Get(url) // want "the body of `r` is never closed"
	if err != nil {
		return 0
	}
	return r.StatusCode
}

type limitedSender struct{ client http.Client }

func newSender() *limitedSender {
	client := http.Client{Timeout: time.Second}
	return &limitedSender{client: client}
}

func (s *limitedSender) with() *limitedSender {
	return &limitedSender{client: s.client}
}

func (s *limitedSender) send(url string) int {
	r, err := s.client.Get(url)
	if err != nil {
		return 0
	}
	return r.StatusCode
}

type otherSender struct{ client http.Client }

func newOtherSender(client http.Client) *otherSender {
	if client == (http.Client{}) {
		return &otherSender{client: http.Client{Timeout: time.Second}}
	}
	return &otherSender{client: client}
}

func (s *otherSender) send(url string) int {
	r, err := s.client.Get(url) // want "the body of `r` is never closed"
	if err != nil {
		return 0
	}
	return r.StatusCode
}

func probe(url string) {
	r, err := http.Get(url)
	if err != nil {
		os.Exit(1)
	}
	if r.StatusCode > 299 {
		os.Exit(2)
	}
	os.Exit(0)
}

func probeMore(url string) {
	for {
		r, err := http.Get(url) // want "the body of `r` is never closed"
		if err == nil && r.StatusCode > 299 {
			os.Exit(2)
		}
	}
}

func closed(url string) error {
	r, err := http.Get(url)
	if err != nil {
		return err
	}
	defer func() { r.Body.Close() }()
	return nil
}

func given(url string) {
	r, _ := http.Get(url)
	use(r)
}

func bodyGiven(url string) {
	r, _ := http.Get(url)
	read(r.Body)
}

func returned(url string) (*http.Response, error) {
	r, err := http.Get(url)
	return r, err
}

func kept(url string) io.ReadCloser {
	r, _ := http.Get(url)
	body := r.Body
	return body
}
"#,
        );
    }
}
