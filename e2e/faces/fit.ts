/** Run in a page: by how many pixels it is wider than its window. Text, so that these files need no browser's types. */
export const overflow = "document.documentElement.scrollWidth - window.innerWidth";
