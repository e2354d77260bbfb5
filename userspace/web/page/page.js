// SPDX-License-Identifier: Apache-2.0
// Optional: the page is complete without scripts. This adds auto-refresh, filter and sorting.
(() => {
	"use strict";
	const EVERY = 5000, MANY = 8;
	const units = {
		s: 1, min: 60, h: 3600, d: 86400,
		B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12,
	};
	let paused = false, wanted = "", column = -1, up = true, timer, last = Date.now();

	const make = (doc, tag, attributes, ...children) => {
		const node = doc.createElement(tag);
		for (const [name, value] of Object.entries(attributes))
			node.setAttribute(name, value);
		node.append(...children);
		return node;
	};

	// A cell's value: "1,234", "43 s", "1.2 MB", or a name. Empty cells sort last.
	const value = (row, i) => {
		const text = row.cells[i]?.textContent.trim() ?? "";
		const [, number, unit] = /^([\d.,]+)(?: (\S+))?$/.exec(text) ?? [];
		if (i < 2) return text;
		return number ? parseFloat(number.replace(/,/g, "")) * (units[unit] ?? 1) : -1;
	};
	const compare = (a, b) =>
		typeof a == "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b;

	const arrange = (doc) => {
		const table = doc.querySelector("table"), body = table?.tBodies[0];
		if (!body) return;
		const rows = [...body.rows];
		const order = (a, b) => compare(value(a, column), value(b, column)) * (up ? 1 : -1);
		if (column >= 0) rows.sort(order);
		let shown = 0;
		for (const row of rows) {
			row.hidden = !row.textContent.toLowerCase().includes(wanted.toLowerCase());
			shown += !row.hidden;
		}
		if (column >= 0) body.append(...rows);
		for (const [i, th] of [...table.tHead.rows[0].cells].entries()) {
			if (i == column)
				th.setAttribute("aria-sort", up ? "ascending" : "descending");
			else th.removeAttribute("aria-sort");
		}
		const found = doc.querySelector("#found");
		if (found) found.textContent = wanted ? `${shown} of ${rows.length}` : "";
	};

	// Adds the controls that need scripts.
	const enhance = (doc) => {
		const live = doc.querySelector("#live"), table = doc.querySelector("table");
		live.textContent = paused ? "Paused. " : "Auto-refresh. ";
		live.append(make(doc, "button", { id: "pause", type: "button" },
			paused ? "Resume" : "Pause"));
		for (const code of doc.querySelectorAll("code.probe")) {
			const at = code.parentElement.querySelector("code").textContent;
			const host = at.startsWith(":") ? location.hostname + at : at;
			const href = `http://${host}${code.textContent}`;
			code.replaceChildren(make(doc, "a", { href }, code.textContent));
		}
		if (!table) return;
		if (table.tBodies[0].rows.length > MANY) {
			table.before(make(doc, "div", { class: "tools" },
				make(doc, "label", { for: "seek" }, "Filter"),
				make(doc, "input", {
					id: "seek", type: "search", placeholder: "name or state",
				}),
				make(doc, "span", { id: "found", role: "status" })));
		}
		for (const [i, th] of [...table.tHead.rows[0].cells].entries()) {
			if (i == 7) break;
			const button = { type: "button", "data-column": i };
			th.replaceChildren(make(doc, "button", button, th.textContent));
		}
		arrange(doc);
	};

	// Changes only nodes that differ, so that open details, focus, selection and scroll stay.
	const key = (node) =>
		node.id || node.cells?.[0]?.querySelector("a")?.getAttribute("href") || "";
	const attributes = (old, now) => {
		if (old.localName == "details") return;
		for (const { name } of [...old.attributes]) {
			if (!now.hasAttribute(name)) old.removeAttribute(name);
		}
		for (const { name, value: text } of now.attributes) {
			if (old.getAttribute(name) != text) old.setAttribute(name, text);
		}
	};
	// The node to update into `next`: `at`, or for an element a later sibling. Null: none.
	const alike = (at, next) => {
		while (at && at.nodeName != next.nodeName && next.nodeType == 1 && !key(at))
			at = at.nextSibling;
		return at && !key(at) && at.nodeName == next.nodeName ? at : null;
	};
	const morph = (old, now) => {
		if (old.nodeType != 1) {
			if (old.nodeValue != now.nodeValue) old.nodeValue = now.nodeValue;
			return;
		}
		attributes(old, now);
		const coming = new Set([...now.children].map(key));
		const here = new Map([...old.children].map((child) => [key(child), child]));
		let at = old.firstChild;
		const pass = () => {
			const node = at;
			at = at.nextSibling;
			return node;
		};
		for (const next of [...now.childNodes]) {
			const id = key(next);
			while (at && key(at) && !coming.has(key(at))) pass().remove();
			const same = id ? here.get(id) : alike(at, next);
			while (!id && same && at != same) pass().remove();
			if (same && same == at) pass();
			else old.insertBefore(same || next, at);
			if (same) morph(same, next);
		}
		while (at) pass().remove();
	};

	const show = (doc) => {
		const focused = document.activeElement;
		for (const part of ["title", "header", "main"])
			morph(document.querySelector(part), doc.querySelector(part));
		document.querySelector("link").href = doc.querySelector("link").href;
		if (focused && focused != document.activeElement && focused.isConnected)
			focused.focus({ preventScroll: true });
	};

	const refresh = async () => {
		clearTimeout(timer);
		try {
			const signal = AbortSignal.timeout(2 * EVERY);
			const answer = await fetch(location.href, { cache: "no-store", signal });
			if (!answer.ok) throw new Error(answer.status);
			const doc = new DOMParser().parseFromString(
				await answer.text(), "text/html");
			if (paused) return;
			enhance(doc);
			show(doc);
			last = Date.now();
		} catch {
			const live = document.querySelector("#live").firstChild;
			const seconds = Math.round((Date.now() - last) / 1000);
			live.nodeValue = `No answer for ${seconds} s: the data below is outdated. `;
			live.parentElement.classList.add("old");
		}
		if (!paused) timer = setTimeout(refresh, EVERY);
	};

	document.addEventListener("click", (event) => {
		const button = event.target.closest("button");
		if (button?.id == "pause") {
			paused = !paused;
			button.textContent = paused ? "Resume" : "Pause";
			button.parentElement.firstChild.nodeValue =
				paused ? "Paused. " : "Auto-refresh. ";
			if (!paused) refresh();
			else clearTimeout(timer);
		} else if (button?.dataset.column) {
			const i = Number(button.dataset.column);
			up = i == column ? !up : i < 2;
			column = i;
			arrange(document);
			button.focus();
		}
	});
	document.addEventListener("input", (event) => {
		if (event.target.id != "seek") return;
		wanted = event.target.value;
		arrange(document);
	});
	// A hidden page sends no requests.
	document.addEventListener("visibilitychange", () => {
		clearTimeout(timer);
		if (!document.hidden && !paused) refresh();
	});

	enhance(document);
	timer = setTimeout(refresh, EVERY);
})();
