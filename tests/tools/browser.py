"""Chromium without a window, driven over a pipe by the DevTools protocol (Browser, Page, Emulation, Input, Runtime)."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


class Browser:
    def __init__(self, program):
        to_it, self.out = os.pipe()
        self.into, from_it = os.pipe()
        self.home = tempfile.mkdtemp()
        self.number, self.buffer, self.messages, self.events = 0, b"", [], []

        def place():  # it reads file 3 and writes file 4; either may stand in the other's way
            a, b = os.dup(to_it), os.dup(from_it)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-extensions", "--disable-background-networking", "--hide-scrollbars", "--force-color-profile=srgb",
             "--remote-debugging-pipe", "--user-data-dir=" + self.home, "about:blank"],
            preexec_fn=place, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_it)
        os.close(from_it)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.page(domain + ".enable")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    # ---- the protocol: JSON and a 0 byte ----

    def receive(self, seconds=60):
        while b"\0" not in self.buffer:
            if not select.select([self.into], [], [], seconds)[0]:
                raise RuntimeError("the browser does not answer")
            some = os.read(self.into, 1 << 16)
            if not some:
                raise RuntimeError("the browser has ended")
            self.buffer += some
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(method + ": " + answer["error"]["message"])
                return answer["result"]
            self.events.append(answer)

    def page(self, method, **params):
        return self.call(method, self.session, **params)

    def wait(self, method):
        while not any(e.get("method") == method for e in self.events):
            self.events.append(self.receive())

    # ---- what tests say ----

    def open(self, url, width, height, scheme="light", script=True):
        """The page, at that size. Return: what it complained of."""
        self.page("Emulation.setScriptExecutionDisabled", value=not script)
        self.page("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.page("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.page("Page.navigate", url="about:blank")
        self.run("1") if script else None
        self.events = []
        self.page("Page.navigate", url=url)
        self.wait("Page.loadEventFired")
        if script:
            self.settle()
        return self.complaints()

    def complaints(self):
        bad = []
        for e in self.events:
            params = e.get("params", {})
            if e.get("method") == "Runtime.exceptionThrown":
                bad.append(json.dumps(params["exceptionDetails"])[:400])
            if e.get("method") == "Log.entryAdded":
                bad.append(params["entry"]["text"])
            if e.get("method") == "Network.requestWillBeSent" and not params["request"]["url"].startswith(("file:", "about:")):
                bad.append("asks for " + params["request"]["url"][:100])
        return bad

    def run(self, expression, **more):
        answer = self.page("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, **more)
        if "exceptionDetails" in answer:
            raise RuntimeError(expression[:80] + ": " + json.dumps(answer["exceptionDetails"])[:400])
        return answer["result"].get("value")

    def settle(self):
        self.run("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(1))))")

    def key(self, key):
        code = {"ArrowLeft": 37, "ArrowRight": 39, "Escape": 27, "Tab": 9}.get(key, 0)
        text = {"text": key} if len(key) == 1 else {}
        self.page("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        self.page("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)
        self.settle()

    def mouse(self, kind, x, y, **more):
        self.page("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)
        self.settle()

    def screenshot(self, path, whole=False):
        more = {}
        if whole:
            size = self.page("Page.getLayoutMetrics")["cssContentSize"]
            while not size["width"]:  # without a script there is nothing to wait for
                time.sleep(0.1)
                size = self.page("Page.getLayoutMetrics")["cssContentSize"]
            more = {"captureBeyondViewport": True,
                    "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 8000), "scale": 1}}
        shot = self.page("Page.captureScreenshot", format="png", **more)
        with open(path, "wb") as f:
            f.write(base64.b64decode(shot["data"]))
