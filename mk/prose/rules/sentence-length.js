// SPDX-License-Identifier: Apache-2.0
// A sentence has at most `max` words. Inline code, a link's address and a number are one word each.
const { splitAST, SentenceSplitterSyntax } = require("sentence-splitter");

function text(node) {
	if (node.type === "Code")
		return " code ";
	return node.children ? node.children.map(text).join("") : node.value || "";
}

module.exports = (context, options) => ({
	[context.Syntax.Paragraph](node) {
		for (const sentence of splitAST(node).children) {
			if (sentence.type !== SentenceSplitterSyntax.Sentence)
				continue;
			const words = text(sentence).split(/\s+/).filter((word) => /[\p{L}\p{N}%]/u.test(word));
			if (words.length > options.max)
				context.report(sentence, new context.RuleError(
					`sentence of ${words.length} words, at most ${options.max}: ${words.slice(0, 5).join(" ")} …`));
		}
	},
});
