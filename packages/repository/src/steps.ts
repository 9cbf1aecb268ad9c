/**
 * The points between which a process may die, in the order of each act. Tests kill or fail at every one of them and
 * check what is left; `onStep` is called when a point is reached.
 */
export const repositorySteps = [
  "create:before-key",
  "create:before-document",
  "create:after-document",
  "key:before-slot",
  "key:after-slot",
  "key:before-remove",
  "key:after-remove",
  "backup:before-lease",
  "backup:after-lease",
  "pack:before-put",
  "pack:after-put",
  "manifest:before-put",
  "manifest:after-put",
  "commit:after-lease",
  "abort:before-revoke",
  "abort:before-packs",
  "abort:before-unclaim",
  "abort:before-lease",
  "renew:before-put",
  "renew:after-put",
  "salvage:before-claim",
  "mark:before-put",
  "mark:after-put",
  "delete:before-manifest",
  "delete:after-manifest",
  "delete:after-marks",
  "collect:before-mark",
  "collect:before-revoke",
  "collect:before-remove",
  "collect:after-remove",
  "collect:before-tidy",
  "copy:before-lease",
  "copy:after-lease",
  "copy:before-pack",
  "copy:before-check",
  "copy:after-pack",
  "copy:before-manifest",
  "copy:before-manifest-check",
  "copy:after-manifest",
  "copy:before-marks",
  "copy:after-marks",
  "heal:before-remove",
  "heal:before-put",
  "heal:after-put",
] as const;

export type RepositoryStep = (typeof repositorySteps)[number];

/** May throw or never return; what was durable before stays valid. */
export type OnStep = (step: RepositoryStep) => void | Promise<void>;
