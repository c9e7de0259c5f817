/** A tar archive as POSIX has it (ustar), made by hand: the reader's only oracle is the format's description. */
const block = 512;

/** `type`: "0" a file, "2" a link, "5" a folder. */
export function tarBytes(
  members: readonly { readonly name: string; readonly bytes: Uint8Array; readonly type?: string }[],
): Buffer {
  const parts = members.flatMap(({ name, bytes, type = "0" }) => [
    header(name, bytes.length, type),
    Buffer.from(bytes),
    Buffer.alloc((block - (bytes.length % block)) % block),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

function header(name: string, sizeBytes: number, type: string): Buffer {
  const bytes = Buffer.alloc(block);
  bytes.write(name, 0, 100);
  bytes.write("0000644\0", 100);
  bytes.write(`${sizeBytes.toString(8).padStart(11, "0")}\0`, 124);
  bytes.write("        ", 148); // the checksum counts itself as spaces
  bytes.write(type, 156);
  bytes.write("ustar\0" + "00", 257);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
}
