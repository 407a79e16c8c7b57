// SPDX-License-Identifier: GPL-2.0-only
// Beside each figure, what the mark is that was pointed at or touched; with the
// arrow keys, from mark to mark. The marks have it as their <title> too.
"use strict";
for (const figure of document.querySelectorAll(".timeline")) {
	const marks = [...figure.querySelectorAll("svg * > title")];
	const output = figure.querySelector("output");
	let at = -1;
	const show = (title) => {
		if (!title)
			return;
		at = marks.indexOf(title);
		output.textContent = title.textContent;
	};

	output.textContent = "Point at a mark or touch it, or use the arrow keys, and here is what it is.";
	for (const event of ["click", "pointerover"])
		figure.addEventListener(event, (e) =>
			show(e.target.closest(":has(> title)")?.querySelector(":scope > title")));
	figure.querySelector(".scroll").addEventListener("keydown", (e) => {
		const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];

		if (!step)
			return;
		e.preventDefault();
		show(marks[Math.min(Math.max(at + step, 0), marks.length - 1)]);
		marks[at]?.parentNode.scrollIntoView({ block: "nearest", inline: "nearest" });
	});
}
