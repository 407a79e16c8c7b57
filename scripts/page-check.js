// SPDX-License-Identifier: GPL-2.0-only
// page-check.js: what page-check.sh asks of the report, in the browser, which has it
// as ?width=PIXELS&scheme=light|dark; the answers are left in the page, a line each
"use strict";
{
	const wanted = new URLSearchParams(location.search);
	const lines = [];
	const check = (what, found) =>
		lines.push(`${found.length ? "not ok" : "ok"} - ${what}${found.length ? `: ${found.slice(0, 5).join(", ")}` : ""}`);
	const all = (selector) => [...document.querySelectorAll(selector)];
	const name = (element) => `${element.localName}#${element.id || element.className}`;
	const unless = (good, found) => good ? [] : [found];

	const root = document.documentElement;
	check("the window is as wide as wanted", unless(innerWidth === +wanted.get("width"), innerWidth));
	check("it does not scroll sideways", unless(root.scrollWidth <= innerWidth, root.scrollWidth));
	check("nothing sticks out that does not scroll in itself", all("body *").filter((element) => {
		const { right, width } = element.getBoundingClientRect();
		return width && right > innerWidth + 1 && !element.closest(".scroll");
	}).map(name));

	const figures = all(".timeline svg");
	check("there are five figures", unless(figures.length === 5, figures.length));
	check("each picture can be seen", all("svg").filter((svg) => {
		const { width, height } = svg.getBoundingClientRect();
		return width < 200 || height < 60;
	}).map(name));
	check("each picture has a name and a text", all("svg").filter((svg) =>
		svg.getAttribute("role") !== "img" || !(svg.getAttribute("aria-labelledby") || "").split(" ")
			.every((id) => document.getElementById(id)?.textContent.trim())).map(name));
	check("each figure has marks with a title", figures.filter((svg) =>
		svg.querySelectorAll("* > title").length < 5).map(name));
	check("text in pictures is 8 pixels high at least", all("svg text").filter((text) => {
		const scale = text.ownerSVGElement.getScreenCTM().a;
		return parseFloat(getComputedStyle(text).fontSize) * scale < 7.9;
	}).map((text) => text.textContent));

	const ids = all("[id]").map((element) => element.id);
	check("no id is there twice", ids.filter((id, i) => ids.indexOf(id) !== i));
	check("each link leads somewhere in the page", all("a").map((a) => a.getAttribute("href"))
		.filter((href) => !href.startsWith("#") || !document.getElementById(href.slice(1))));
	check("each figure links to code of the kernel and of the program", all(".timeline").filter((figure) =>
		!figure.querySelector('a[href^="#modules/"]') ||
		!figure.querySelector('a[href^="#userspace/"]')).map((figure) => figure.textContent.slice(0, 30)));
	check("a linked line of code is marked, and there is one", unless(all(".code .marked").length, "none"));
	check("a section has a heading and says what to look at", all("section").filter((section) =>
		!section.querySelector("h2") || !section.querySelector(".look")).map((section) => section.id));
	check("each column has a heading", all("table").filter((table) =>
		!table.caption || !table.rows[0].querySelector("th[scope=col]")).map((table) => table.textContent));
	check("it has a language and a title", unless(root.lang === "en" && document.title, root.lang));

	const dark = matchMedia("(prefers-color-scheme: dark)").matches;
	const luminance = (color) => {
		const [r, g, b] = color.match(/[\d.]+/g).map((value) => {
			const share = value / 255;
			return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
		});
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const paper = (element) => {
		const color = getComputedStyle(element).backgroundColor;
		return color === "rgba(0, 0, 0, 0)" && element.parentElement ? paper(element.parentElement) : color;
	};
	const contrast = (element, ink) => {
		const [low, high] = [luminance(ink), luminance(paper(element))].sort((a, b) => a - b);
		return (high + 0.05) / (low + 0.05);
	};
	check("it is as light or dark as wanted", unless(dark === (wanted.get("scheme") === "dark") &&
		luminance(paper(document.body)) < 0.5 === dark, paper(document.body)));
	check("text can be told from its ground (4.5 to 1)", all("p, a, td, th, dd, code, pre span, pre i, figcaption")
		.filter((element) => contrast(element, getComputedStyle(element).color) < 4.5).map(name));
	check("so can text in pictures", all("svg text").filter((text) =>
		contrast(text, getComputedStyle(text).fill) < 4.4).map((text) => text.textContent));
	check("and marks in charts (2.5 to 1)", all(".chart .mark").filter((mark) =>
		contrast(mark, getComputedStyle(mark).fill) < 2.5).map((mark) => mark.parentNode.getAttribute("class")));

	const figure = document.querySelector(".timeline");
	const output = figure?.querySelector("output");
	const mark = figure?.querySelector("svg g > title");
	mark?.parentNode.lastElementChild.dispatchEvent(new MouseEvent("click", { bubbles: true }));
	check("a mark that is touched says what it is", unless(mark && output.textContent === mark.textContent,
		output?.textContent));
	figure?.querySelector(".scroll").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
	check("the arrow keys lead to the next mark", unless(output?.textContent && output.textContent !== mark.textContent,
		output?.textContent));

	const answers = document.createElement("pre");
	answers.textContent = `\nanswers:\n${lines.join("\n")}\nheight ${root.scrollHeight}\n`;
	document.body.append(answers);
}
