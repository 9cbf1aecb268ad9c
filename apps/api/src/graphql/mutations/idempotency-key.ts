/** Of every `idempotencyKey`. */
export const keyText = "The same key and request again gives the first answer; kept for a day.";
