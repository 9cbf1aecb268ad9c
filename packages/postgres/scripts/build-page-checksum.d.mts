export function compile(): Promise<string>;
export function written(base64: string): string;
