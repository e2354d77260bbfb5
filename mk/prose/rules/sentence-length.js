// SPDX-License-Identifier: Apache-2.0
// A sentence has at most `max` words. Inline code and a number are one word each.
const { splitAST, SentenceSplitterSyntax } = require("sentence-splitter");

function text(node) {
	if (node.type === "Code")
		return " code ";
	return node.children ? node.children.map(text).join("") : node.value || "";
}

function offset(raw, lines) {
	let index = 0;
	while (lines--)
		index = raw.indexOf("\n", index) + 1;
	return index;
}

module.exports = (context, options) => ({
	[context.Syntax.Paragraph](node) {
		for (const sentence of splitAST(node).children) {
			if (sentence.type !== SentenceSplitterSyntax.Sentence)
				continue;
			// The splitter takes "260." at the end of a line for the number of a list.
			let lines = 0;
			for (const part of text(sentence).split(/(?<=[.!?]["')\]]?)\n/)) {
				const words = part.split(/\s+/).filter((word) => /[\p{L}\p{N}%]/u.test(word));
				const beginning = words.slice(0, 5).join(" ");
				if (words.length > options.max)
					context.report(sentence, new context.RuleError(
						`${words.length} words in a sentence: ${beginning} …`,
						{ padding: context.locator.at(offset(sentence.raw, lines)) }));
				lines += part.split("\n").length;
			}
		}
	},
});
