import type { BackupFacts, ManifestReader } from "@tidemark/repository";
import type { PageInspection } from "../backup/page-inspection.ts";
import { inspectionOf } from "./verified-manifests.ts";

/**
 * The files of several backups under one numbering, so that a run that many backups share is checked once: files of
 * the same path have the same path number. Memory: 8 bytes for each file of each backup, and each path once.
 */
export class VerifiedFiles {
  readonly #paths: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #pathOf: number[] = [];
  readonly #manifestOf: number[] = [];
  readonly #manifests: readonly ManifestReader[];

  constructor(manifests: readonly ManifestReader[]) {
    this.#manifests = manifests;
  }

  /** Gives the number of a file of one of the manifests. */
  add(manifestIndex: number, path: Uint8Array): number {
    const text = Buffer.from(path).toString("latin1");
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#paths.push(text) - 1;
      this.#numbers.set(text, number);
    }
    this.#manifestOf.push(manifestIndex);
    return this.#pathOf.push(number) - 1;
  }

  pathNumber(fileIndex: number): number {
    return this.#pathOf[fileIndex] as number;
  }

  path(fileIndex: number): Buffer {
    return Buffer.from(this.#paths[this.pathNumber(fileIndex)] ?? "", "latin1");
  }

  facts(fileIndex: number): BackupFacts {
    const manifest = this.#manifests[this.#manifestOf[fileIndex] as number];
    if (manifest === undefined) throw new RangeError(`file ${fileIndex} belongs to no manifest`);
    return manifest.backup.facts;
  }

  inspection(fileIndex: number): PageInspection | null {
    return inspectionOf(this.path(fileIndex), this.facts(fileIndex));
  }
}
