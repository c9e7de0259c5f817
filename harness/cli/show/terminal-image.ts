/**
 * Images in a terminal, by the two protocols of which terminals tell that they know them: iTerm2's, one escape with the file
 * in it, and kitty's, a PNG in pieces. Others, and terminals inside tmux and screen, get none.
 */

export type ImageProtocol = "iterm2" | "kitty";

/** By the variables that terminals set; null: not known to show images. */
export function imageProtocolOf(env: Readonly<Record<string, string | undefined>>): ImageProtocol | null {
  const { TERM = "", TERM_PROGRAM = "", LC_TERMINAL = "" } = env;
  if (/^(?:screen|tmux)/.test(TERM) || env["TMUX"] !== undefined || env["STY"] !== undefined) return null;
  if (TERM === "xterm-kitty" || TERM === "xterm-ghostty" || TERM_PROGRAM === "ghostty") return "kitty";
  if (["iTerm.app", "WezTerm"].includes(TERM_PROGRAM) || LC_TERMINAL === "iTerm2") return "iterm2";
  return null;
}

/** The image as escapes that draw it where the cursor is. `png`: bytes of a PNG file. */
export function imageEscapes(png: Uint8Array, protocol: ImageProtocol): string {
  const text = Buffer.from(png).toString("base64");
  if (protocol === "iterm2") {
    // iterm2.com/documentation-images.html
    return `\u001b]1337;File=inline=1;size=${png.byteLength};preserveAspectRatio=1:${text}\u0007`;
  }
  // sw.kovidgoyal.net/kitty/graphics-protocol: f=100 is PNG, a=T draws at once, m=1 says that more follows
  const pieces = text.match(/.{1,4096}/gs) ?? [""];
  return pieces
    .map((piece, index) => {
      const first = index === 0 ? "a=T,f=100,q=2," : "";
      return `\u001b_G${first}m=${index < pieces.length - 1 ? 1 : 0};${piece}\u001b\\`;
    })
    .join("");
}
