"""A person with a browser that runs no script: follows redirects, fills in the plain HTML forms, stops at the application's door."""

import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import requests


class Form:
    """One HTML form: where it goes, its fields as a browser would send them, its buttons and its checkboxes."""

    def __init__(self, attributes):
        self.action = attributes.get("action") or ""
        self.method = (attributes.get("method") or "get").lower()
        self.fields = []
        self.names = set()
        self.passwords = set()
        self.checkboxes = {}
        self.buttons = []

    def add(self, tag, attributes):
        name, kind = attributes.get("name"), (attributes.get("type") or "").lower()
        if tag == "button" or kind == "submit":
            self.buttons.append((name, attributes.get("value", "")))
            return
        if not name or "disabled" in attributes:
            return
        self.names.add(name)
        if kind == "password":
            self.passwords.add(name)
        if kind == "checkbox":
            self.checkboxes.setdefault(name, []).append((attributes.get("value", "on"), "checked" in attributes))
        else:
            self.fields.append((name, attributes.get("value", "")))

    def filled(self, **values):
        """The fields to send, with some given their value."""
        kept = [(name, value) for name, value in self.fields if name not in values]
        ticked = [(name, value) for name, boxes in self.checkboxes.items() if name not in values for value, on in boxes if on]
        for name, value in values.items():
            kept += [(name, each) for each in value] if isinstance(value, (list, tuple, set)) else [(name, value)]
        return kept + ticked


class Page(HTMLParser):
    """The forms and the visible words of a page."""

    def __init__(self, html):
        super().__init__()
        self.forms, self.words, self._hidden = [], [], 0
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append(Form(attributes))
        elif tag in ("input", "button") and self.forms:
            self.forms[-1].add(tag, attributes)
        elif tag in ("style", "script"):
            self._hidden += 1

    def handle_endtag(self, tag):
        if tag in ("style", "script"):
            self._hidden -= 1

    def handle_data(self, data):
        if not self._hidden and data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def text(self):
        return " ".join(self.words)

    def form_with(self, name):
        """The form that holds the named field or button."""
        for form in self.forms:
            if name in form.names or any(button == name for button, _ in form.buttons):
                return form
        return None


class Answer:
    """What the application was sent: by redirect or by form_post."""

    def __init__(self, url, parameters, consents):
        self.url, self.parameters, self.consents = url, parameters, consents

    def __getitem__(self, name):
        return self.parameters[name]

    def get(self, name):
        return self.parameters.get(name)


class Person:
    """Signs in and decides. `consents` of an answer lists the scopes that each consent page on the way asked for."""

    def __init__(self, issuer, user):
        self.issuer, self.username, self.password = issuer, user["username"], user["password"]
        self.http = requests.Session()

    def get(self, url):
        return self.http.get(url, allow_redirects=False, timeout=10)

    def visit(self, url, *, decision="allow", leave_out=()):
        """Goes to `url` and on until the browser would leave the server; returns the Answer."""
        response, consents = self.get(url), []
        for _ in range(12):
            if response.is_redirect:
                assert response.status_code in (302, 303), f"{response.status_code}: a 307 would repeat the password"
                url = urljoin(response.url, response.headers["Location"])
                if not url.startswith(self.issuer + "/"):
                    return Answer(url, parameters_of(url), consents)
                response = self.get(url)
                continue
            page = self._page(response)
            if form := page.form_with("password"):
                response = self.submit(response, form, username=self.username, password=self.password)
            elif form := page.form_with("decision"):
                asked = [value for value, _ in form.checkboxes.get("scope", [])]
                consents.append(asked + [value for name, value in form.fields if name == "scope"])
                values = {"scope": [scope for scope in asked if scope not in leave_out]} if asked else {}
                response = self.submit(response, form, decision=decision, **values)
            elif shown := re.search(r'<textarea id="code"[^>]*>([^<]+)<', response.text):
                # Opt-in `oob`: the code is carried over by hand.
                return Answer(None, {"code": shown.group(1).strip()}, consents)
            elif page.forms and not urljoin(response.url, page.forms[0].action).startswith(self.issuer):
                return Answer(page.forms[0].action, dict(page.forms[0].fields), consents)
            else:
                raise AssertionError(f"a page with no way on at {response.url} ({response.status_code}): {page.text[:500]}")
        raise AssertionError(f"too many pages; stuck at {response.url}: {self._page(response).text[:300]}")

    def submit(self, response, form, **values):
        assert form.method == "post", f"{form.action}: a form that changes something must post"
        target = urljoin(response.url, form.action)
        assert target.startswith(self.issuer + "/"), f"a form that leaves the server: {target}"
        return self.http.post(target, data=form.filled(**values), allow_redirects=False, timeout=10,
                              headers={"Origin": self.issuer, "Referer": response.url})

    @staticmethod
    def _page(response):
        assert response.headers.get("Content-Type", "").startswith("text/html"), f"{response.status_code} {response.text[:300]}"
        return Page(response.text)


def parameters_of(url):
    """The parameters of a redirect's query; a repeated one is a fault."""
    parsed = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in parsed.values()), f"repeated parameter in {re.sub('=[^&]*', '=…', url)}"
    return {name: values[0] for name, values in parsed.items()}
