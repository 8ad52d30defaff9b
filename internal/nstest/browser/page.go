package browser

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// View says how a page is looked at.
type View struct {
	Width, Height int
	Dark          bool
	NoScript      bool
}

// Page is an open page.
type Page struct {
	b       *Browser
	session string
	target  string
	loaded  chan struct{}
	// problems and fetched are guarded by b.mu.
	problems, fetched []string
	url               string
}

// object is a JSON object.
type object = map[string]any

// Open opens a file, whose name may end in # and a place in the page, and waits until it is loaded.
func (b *Browser) Open(t testing.TB, file string, v View) *Page {
	t.Helper()
	path, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	address := "file://" + path
	p := &Page{b: b, loaded: make(chan struct{}, 16)}
	p.url, _, _ = strings.Cut(address, "#")
	var made struct{ TargetID, SessionID string }
	decode(t, b.call(t, "", "Target.createTarget", object{"url": "about:blank"}), &made)
	p.target = made.TargetID
	decode(t, b.call(t, "", "Target.attachToTarget", object{"targetId": p.target, "flatten": true}), &made)
	p.session = made.SessionID
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		p.call(t, domain+".enable", nil)
	}
	p.Resize(t, v.Width, v.Height)
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	p.call(t, "Emulation.setEmulatedMedia", object{"features": []object{{"name": "prefers-color-scheme", "value": scheme}}})
	p.call(t, "Emulation.setScriptExecutionDisabled", object{"value": v.NoScript})
	p.call(t, "Page.navigate", object{"url": address})
	<-p.loaded
	return p
}

// Resize gives the page another size.
func (p *Page) Resize(t testing.TB, width, height int) {
	t.Helper()
	p.call(t, "Emulation.setDeviceMetricsOverride", object{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
}

// Media shows the page as it is shown in that medium: "screen" or "print".
func (p *Page) Media(t testing.TB, medium string) {
	t.Helper()
	p.call(t, "Emulation.setEmulatedMedia", object{"media": medium})
}

// Close closes the page.
func (p *Page) Close(t testing.TB) {
	t.Helper()
	p.b.call(t, "", "Target.closeTarget", object{"targetId": p.target})
}

func (p *Page) call(t testing.TB, method string, params any) json.RawMessage {
	t.Helper()
	if params == nil {
		params = object{}
	}
	return p.b.call(t, p.session, method, params)
}

func decode(t testing.TB, raw json.RawMessage, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
}

// happened takes an event of the page; b.mu is held.
func (p *Page) happened(m *message) {
	switch m.Method {
	case "Page.loadEventFired":
		select {
		case p.loaded <- struct{}{}:
		default:
		}
	case "Runtime.exceptionThrown", "Log.entryAdded":
		p.problems = append(p.problems, m.Method+" "+string(m.Params))
	case "Runtime.consoleAPICalled":
		p.problems = append(p.problems, "console "+string(m.Params))
	case "Network.requestWillBeSent":
		var e struct{ Request struct{ URL string } }
		if json.Unmarshal(m.Params, &e) == nil && !strings.HasPrefix(e.Request.URL, p.url) {
			p.fetched = append(p.fetched, e.Request.URL)
		}
	}
}

// Problems gives what the page has complained of on the console: errors, exceptions, refusals of its policy, and what it printed.
func (p *Page) Problems() []string {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	return slices.Clone(p.problems)
}

// Fetched gives the addresses that the page has asked for, beside its own.
func (p *Page) Fetched() []string {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	return slices.Clone(p.fetched)
}

// Eval evaluates an expression in the page, waits for it if it is a promise, and writes its value to v, nil for none.
func (p *Page) Eval(t testing.TB, expression string, v any) {
	t.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	decode(t, p.call(t, "Runtime.evaluate", object{"expression": expression, "returnByValue": true, "awaitPromise": true}), &answer)
	if e := answer.ExceptionDetails; e != nil {
		t.Fatalf("%s: %s %s", expression, e.Text, e.Exception.Description)
	}
	if v != nil {
		decode(t, answer.Result.Value, v)
	}
}

// Settle waits until what was done is drawn.
func (p *Page) Settle(t testing.TB) {
	t.Helper()
	p.Eval(t, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))", nil)
}

// Press presses keys, by the names of KeyboardEvent.key.
func (p *Page) Press(t testing.TB, keys ...string) {
	t.Helper()
	for _, key := range keys {
		down := object{"type": "rawKeyDown", "key": key, "code": code(key), "windowsVirtualKeyCode": virtualKey(key)}
		switch {
		case len(key) == 1:
			down["type"], down["text"] = "keyDown", key
		case key == "Enter":
			down["type"], down["text"] = "keyDown", "\r"
		}
		p.call(t, "Input.dispatchKeyEvent", down)
		p.call(t, "Input.dispatchKeyEvent", object{"type": "keyUp", "key": key, "code": code(key), "windowsVirtualKeyCode": virtualKey(key)})
	}
	p.Settle(t)
}

// code is a key's place on the keyboard, where one is needed.
func code(key string) string {
	if len(key) == 1 && key[0] >= 'a' && key[0] <= 'z' {
		return "Key" + strings.ToUpper(key)
	}
	return key
}

// virtualKey is the number of a key that types nothing.
func virtualKey(key string) int {
	return map[string]int{"Tab": 9, "Enter": 13, "Escape": 27, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36,
		"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}[key]
}

// Point moves the mouse to the middle of the element that selector finds.
func (p *Page) Point(t testing.TB, selector string) (x, y float64) {
	t.Helper()
	var at [2]float64
	p.Eval(t, `(() => { const r = document.querySelector(`+quoted(selector)+`).getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; })()`, &at)
	p.mouse(t, "mouseMoved", at[0], at[1], 0)
	p.Settle(t)
	return at[0], at[1]
}

// Click clicks on the middle of the element that selector finds.
func (p *Page) Click(t testing.TB, selector string) {
	t.Helper()
	x, y := p.Point(t, selector)
	p.ClickAt(t, x, y)
}

// ClickAt clicks on a point of the window.
func (p *Page) ClickAt(t testing.TB, x, y float64) {
	t.Helper()
	p.mouse(t, "mousePressed", x, y, 1)
	p.mouse(t, "mouseReleased", x, y, 1)
	p.Settle(t)
}

func (p *Page) mouse(t testing.TB, kind string, x, y float64, clicks int) {
	t.Helper()
	e := object{"type": kind, "x": x, "y": y}
	if clicks > 0 {
		e["button"], e["clickCount"] = "left", clicks
	}
	p.call(t, "Input.dispatchMouseEvent", e)
}

// Drag presses the mouse at one point, moves it to another and lets it go.
func (p *Page) Drag(t testing.TB, x0, y0, x1, y1 float64) {
	t.Helper()
	p.mouse(t, "mouseMoved", x0, y0, 0)
	p.mouse(t, "mousePressed", x0, y0, 1)
	for _, share := range [...]float64{0.1, 0.5, 1} {
		p.call(t, "Input.dispatchMouseEvent", object{"type": "mouseMoved", "x": x0 + (x1-x0)*share, "y": y0 + (y1-y0)*share, "button": "left", "buttons": 1})
	}
	p.mouse(t, "mouseReleased", x1, y1, 1)
	p.Settle(t)
}

// Wheel turns the mouse's wheel at a point by so many pixels, downwards if that is positive, with or without the control key.
func (p *Page) Wheel(t testing.TB, x, y, by float64, control bool) {
	t.Helper()
	e := object{"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": by}
	if control {
		e["modifiers"] = 2
	}
	p.call(t, "Input.dispatchMouseEvent", e)
	p.Settle(t)
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string has always a form
	return string(b)
}

// Screenshot writes what is in the window to a PNG file; all says the whole page, however long.
func (p *Page) Screenshot(t testing.TB, file string, all bool) {
	t.Helper()
	p.binary(t, file, "Page.captureScreenshot", object{"format": "png", "captureBeyondViewport": all})
}

// PDF prints the page to a file.
func (p *Page) PDF(t testing.TB, file string) {
	t.Helper()
	p.binary(t, file, "Page.printToPDF", object{"printBackground": true, "preferCSSPageSize": true})
}

// binary writes the data of an answer to a file.
func (p *Page) binary(t testing.TB, file, method string, params object) {
	t.Helper()
	var answer struct{ Data string }
	decode(t, p.call(t, method, params), &answer)
	b, err := base64.StdEncoding.DecodeString(answer.Data)
	if err == nil {
		err = os.WriteFile(file, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
