// SPDX-License-Identifier: Apache-2.0
// A sentence begins on a line of its own.
const { splitAST, SentenceSplitterSyntax } = require("sentence-splitter");

module.exports = ({ Syntax, RuleError, report }) => ({
	[Syntax.Paragraph](node) {
		let line = 0;
		for (const sentence of splitAST(node).children) {
			if (sentence.type !== SentenceSplitterSyntax.Sentence)
				continue;
			if (sentence.loc.start.line === line)
				report(sentence, new RuleError("two sentences on one line"));
			line = sentence.loc.end.line;
		}
	},
});
