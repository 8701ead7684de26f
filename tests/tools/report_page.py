"""What tests of `armillary check --report html=FILE` have in common: a report's form, and how it looks in a browser."""
import json
import os
import re

import html5lib

failed = 0


def check(what, holds, why=""):
    global failed
    print(("ok   " if holds else "FAIL ") + what + ("" if holds else ": " + str(why)[:600]), flush=True)
    failed |= not holds


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def parse(text):
    """A document, of a parser that takes no errors; and what is wrong."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
    document = parser.parse(text)
    return document, parser.errors


def words(element):
    return " ".join("".join(element.itertext()).split())


def by_class(document, name):
    return [e for e in document.iter() if isinstance(e.tag, str) and name in (e.get("class") or "").split()]


def check_form(what, path):
    text = read(path)
    document, errors = parse(text)
    check(what + ": well-formed", not errors, errors[:3])
    scripts = [e for e in document.iter("script")]
    data = json.loads("".join(scripts[0].itertext()))
    check(what + ": one block of data and one script", len(scripts) == 2, len(scripts))
    outside = [e.get(a) for e in document.iter() if isinstance(e.tag, str) for a in ("src", "href", "data", "action") if e.get(a)]
    check(what + ": every link is into the page", all(link.startswith("#") for link in outside), outside)
    ids = [e.get("id") for e in document.iter() if isinstance(e.tag, str) and e.get("id")]
    check(what + ": its links lead somewhere", {link[1:] for link in outside} <= set(ids), set(outside))
    check(what + ": nothing of the network", not re.search(r"https?://|@import|url\(", text.replace("http://www.w3.org/", "")))
    check(what + ": an id is there once", len(ids) == len(set(ids)), ids)
    return document, data


# ---- in a browser ----

CONTRAST = """(() => {
  const part = (c) => c.match(/[\\d.]+/g).map(Number), bad = [];
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [.2126, .7152, .0722][k], 0);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || e.closest("script, style, noscript, svg") || !e.getClientRects().length) continue;
    let below = e;
    while (below && part(getComputedStyle(below).backgroundColor)[3] === 0) below = below.parentElement;
    const a = light(part(getComputedStyle(e).color)) + .05, b = light(part(getComputedStyle(below || document.body).backgroundColor)) + .05;
    if (Math.max(a, b) / Math.min(a, b) < 4.5) bad.push(e.tagName + "." + e.className + " " + walker.currentNode.data.slice(0, 30));
  }
  return bad;
})()"""


def look(browser, name, path, out):
    """Laptop and phone, light and dark; its pictures stay in the folder @out."""
    url = "file://" + path
    for width, height, size in ((1366, 768, "laptop"), (390, 844, "phone")):
        for scheme in ("light", "dark"):
            what = "%s, %s, %s" % (name, size, scheme)
            complaints = browser.open(url, width, height, scheme)
            check(what + ": no complaint", not complaints, complaints)
            browser.screenshot(os.path.join(out, "%s-%s-%s.png" % (name, size, scheme)))
            browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
            bad = browser.run(CONTRAST)
            check(what + ": contrast of text", not bad, bad)
        browser.screenshot(os.path.join(out, "%s-%s-whole.png" % (name, size)), whole=True)
    for width in (1366, 390, 360):
        browser.open(url, width, 800)
        wide = browser.run("document.documentElement.scrollWidth")
        check("%s: no scrolling to the side at %d" % (name, width), wide <= width, wide)
    browser.open(url, 1366, 768, script=False)
    browser.screenshot(os.path.join(out, name + "-no-script.png"), whole=True)
