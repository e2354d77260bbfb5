// SPDX-License-Identifier: Apache-2.0
// A sentence has at most `max` words. Inline code and a number are one word each.
const { splitAST, SentenceSplitterSyntax } = require("sentence-splitter");

function text(node) {
	if (node.type === "Code")
		return " code ";
	return node.children ? node.children.map(text).join("") : node.value || "";
}

const WORD = /[\p{L}\p{N}%]/u;

function start(words) {
	return `${words.slice(0, 5).join(" ")} …`;
}

function offset(raw, lines) {
	let index = 0;
	while (lines--)
		index = raw.indexOf("\n", index) + 1;
	return index;
}

module.exports = ({ Syntax, RuleError, report, locator }, options) => ({
	[Syntax.Paragraph](node) {
		const fault = (message, padding) => new RuleError(message, { padding });

		for (const sentence of splitAST(node).children) {
			if (sentence.type !== SentenceSplitterSyntax.Sentence)
				continue;
			// The splitter takes "260." at the end of a line for the number of a list.
			let lines = 0;
			for (const part of text(sentence).split(/(?<=[.!?]["')\]]?)\n/)) {
				const words = part.split(/\s+/).filter((w) => WORD.test(w));
				const message = `${words.length} words in a sentence: `;
				const padding = locator.at(offset(sentence.raw, lines));
				if (words.length > options.max)
					report(sentence, fault(message + start(words), padding));
				lines += part.split("\n").length;
			}
		}
	},
});
