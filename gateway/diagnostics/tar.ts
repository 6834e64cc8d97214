const BLOCK = 512;
const END = Buffer.alloc(BLOCK * 2);

/** A tar archive of small files. @source POSIX.1-2017 ustar interchange format */
export function tar(files: readonly { readonly name: string; readonly text: string }[], atMs: number): Buffer {
  const parts = files.flatMap(({ name, text }) => {
    const bytes = Buffer.from(text);
    return [header(name, bytes.length, atMs), bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...parts, END]);
}

function header(name: string, sizeBytes: number, atMs: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  block.write(name, 0, 100);
  block.write(octal(0o600, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(sizeBytes, 11), 124);
  block.write(octal(Math.floor(atMs / 1000), 11), 136);
  block.write("        ", 148);
  block.write("0ustar\0", 156);
  block.write("00", 263);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148,
  );
  return block;
}
