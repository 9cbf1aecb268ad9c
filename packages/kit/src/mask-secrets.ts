/**
 * Takes passwords out of free text: those of URIs (`scheme://user:password@`), of key-value DSNs, and of commands that
 * are given one in a variable or an option (archive_command is shown to everybody).
 */
export function maskSecrets(text: string): string {
  return (
    text
      .replace(/([a-z][a-z0-9+.-]*:\/\/[^:@/\s]*):[^@\s]*@/gi, "$1:[secret]@")
      .replace(
        /(?<![\w-])([\w-]*(?:password|passwd|passphrase|cipher-pass|secret|secret_access_key))\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]+)/gi,
        "$1=[secret]",
      )
      // The first eight letters name a token in runs and the audit; they are no secret.
      .replace(/\btmk_[A-Za-z0-9_-]{9,}/g, "tmk_[secret]")
  );
}
