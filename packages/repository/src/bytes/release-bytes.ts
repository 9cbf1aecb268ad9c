/**
 * Frees the memory of bytes nobody needs any more, now instead of at some later collection: buffers lie outside V8's
 * heap, and it lets 64 MiB of them pile up before it looks (measured). The array is empty afterwards. Bytes that share
 * their buffer with others are left alone.
 */
export function releaseBytes(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength) buffer.transfer(0);
}
