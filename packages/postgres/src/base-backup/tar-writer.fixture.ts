/** Tar members as src/port/tar.c writes them; for tests of the readers. */

export interface TarFixture {
  readonly name: string | Uint8Array;
  readonly type?: "0" | "2" | "3" | "5";
  readonly body?: Uint8Array;
  /** When it is not the body's length. */
  readonly sizeBytes?: number;
  readonly target?: string;
}

export function tarHeader(fixture: TarFixture): Buffer {
  const header = Buffer.alloc(512);
  Buffer.from(fixture.name).copy(header, 0);
  header.write("0000600 ", 100, "latin1");
  header.write("0000000 0000000 ", 108, "latin1");
  const sizeBytes = fixture.sizeBytes ?? fixture.body?.length ?? 0;
  if (sizeBytes < 8 ** 11) header.write(`${sizeBytes.toString(8).padStart(11, "0")} `, 124, "latin1");
  else {
    header.writeUInt32BE(0x80000000, 124);
    header.writeBigUInt64BE(BigInt(sizeBytes), 128);
  }
  header.write(`${(1_700_000_000).toString(8)} `, 136, "latin1");
  header.write(fixture.type ?? "0", 156, "latin1");
  header.write(fixture.target ?? "", 157, "utf8");
  header.write("ustar\x0000postgres", 257, "latin1");
  header.write("postgres", 297, "latin1");
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")} \0`, 148, "latin1");
  return header;
}

export function tarMember(fixture: TarFixture): Buffer {
  const body = Buffer.from(fixture.body ?? []);
  return Buffer.concat([tarHeader(fixture), body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}
