import { expirySteps, restoreSteps } from "@tidemark/engine";

/** Every point of a backup, in the order in which they are reached: the engine's and, inside them, the repository's. */
export const stepsOfBackup = [
  "backup:before-slot",
  "backup:before-lease",
  "backup:after-lease",
  "backup:before-stream",
  "backup:before-first-file",
  "backup:before-middle-file",
  "backup:before-manifest-check",
  "backup:before-commit",
  "pack:before-put",
  "pack:after-put",
  "manifest:before-put",
  "manifest:after-put",
  "commit:after-lease",
  "backup:after-commit",
] as const;

/** Of a backup that is given up. */
export const stepsOfGivingUp = ["abort:before-revoke", "abort:before-packs", "abort:before-lease"] as const;

/** Of a restore into folders that hold nothing; `restore:before-clear` needs the rest of one that died. */
export const stepsOfRestore = restoreSteps.filter((step) => step !== "restore:before-clear");

/** Of a retention that deletes two backups and collects. */
export const stepsOfRetention = [
  "expiry:before-delete",
  "delete:before-manifest",
  "delete:after-manifest",
  "delete:after-marks",
  "expiry:between-deletes",
  ...expirySteps.filter((step) => step.startsWith("collect:")),
  "collect:before-mark",
  "collect:before-revoke",
  "collect:before-remove",
  "collect:after-remove",
  "collect:before-tidy",
] as const;
