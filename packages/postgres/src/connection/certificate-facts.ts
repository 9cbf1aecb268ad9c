import { X509Certificate } from "node:crypto";

/** What a server's certificate says of itself. Whether it was verified is another matter: see TlsFacts. */
export interface CertificateFacts {
  /** `CN=db.example.com, O=Example` */
  readonly subject: string;
  readonly issuer: string;
  readonly validFrom: Date;
  readonly validUntil: Date;
  /** The names and addresses it stands for (subjectAltName): `db.example.com`, `10.0.0.5`. */
  readonly names: readonly string[];
}

/** @throws Error when the bytes are no certificate. */
export function readCertificate(derBytes: Uint8Array): CertificateFacts {
  const certificate = new X509Certificate(derBytes);
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    validFrom: new Date(certificate.validFrom),
    validUntil: new Date(certificate.validTo),
    names: namesOf(certificate.subjectAltName),
  };
}

/** Said of a certificate that ends soon; null while there is time. */
export function describeExpiry(facts: CertificateFacts, now: Date): string | null {
  const days = Math.floor((facts.validUntil.getTime() - now.getTime()) / 86_400_000);
  const on = facts.validUntil.toISOString().slice(0, 10);
  if (days < 0) return `it expired on ${on}`;
  if (facts.validFrom > now) return `it is not valid before ${facts.validFrom.toISOString().slice(0, 10)}`;
  return days < expiresSoonDays ? `it expires soon, on ${on}` : null;
}

/** Certificates that renew themselves do so a month before they end (ACME clients: 30 days). */
const expiresSoonDays = 21;

function oneLine(name: string | undefined): string {
  return (name ?? "").split("\n").filter(Boolean).reverse().join(", ");
}

/** Node writes `DNS:a, IP Address:10.0.0.1`, with quotes round what holds a comma. */
function namesOf(text: string | undefined): string[] {
  if (text === undefined) return [];
  const parts = text.match(/(?:DNS|IP Address):(?:"(?:[^"\\]|\\.)*"|[^,]*)/g) ?? [];
  return parts.map((part) =>
    part
      .slice(part.indexOf(":") + 1)
      .replaceAll('"', "")
      .trim(),
  );
}
