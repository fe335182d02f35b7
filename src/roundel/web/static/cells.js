// Cells of a terminal's screen: a letter, or several that stand on each other, with its classes.  A
// wide letter (of East Asia, an emoji) takes two: itself and a TAIL, which are overwritten together.
export const BLANK = [" ", ""];
const TAIL = ["", ""];
const MOST_MARKS = 16; // on one letter
// What programs reckon with (wcwidth), as far as browsers know letters: by their scripts.
const NO_COLUMN = /(?!\u00ad)[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff\ud7b0-\ud7ff]/u;
const ONE_COLUMN = /[\p{RI}\u02ea\u02eb\u3248-\u324f\uff61-\uffdc]/u;
const TWO_COLUMNS =
  /[\p{Emoji_Presentation}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Bopomofo}\p{sc=Yi}\p{sc=Tangut}\p{sc=Nushu}\p{sc=Khitan_Small_Script}\u2329\u232a\u2e80-\u303e\u3040-\u33ff\ufe10-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{1f200}-\u{1f265}]/u;

export function columnsOf(letter) {
  if (letter < "\u00ad") return 1;
  if (NO_COLUMN.test(letter)) return 0;
  return TWO_COLUMNS.test(letter) && !ONE_COLUMN.test(letter) ? 2 : 1;
}

export function cellsOf(letter, classes) {
  return columnsOf(letter) === 2 ? [[letter, classes], TAIL] : [[letter, classes]];
}

// Where a row is cut before this column, no half of a wide letter stays.
export function part(row, x) {
  if (row[x] === TAIL) row[x - 1] = row[x] = [" ", row[x - 1][1]];
}

// Puts a mark on the letter that ends at this column.
export function mark(row, x, letter) {
  const at = row[x] === TAIL ? x - 1 : x;
  if (row[at] && row[at][0].length < MOST_MARKS) row[at] = [row[at][0] + letter, row[at][1]];
}

// Returns what is seen of a row, with the cursor at a column of it.
export function line(row, cursor = -1) {
  const node = document.createElement("div");
  let text = "";
  let last = "";
  const end = () => {
    if (!text) return;
    if (last) {
      const span = document.createElement("span");
      span.className = last;
      span.textContent = text;
      node.append(span);
    } else node.append(text);
    text = "";
  };
  for (let x = 0; x < Math.max(row.length, cursor + 1); x += 1) {
    const [letter, classes] = row[x] ?? BLANK;
    if (row[x] === TAIL) continue;
    const wide = row[x + 1] === TAIL;
    const here = x === cursor || (wide && x + 1 === cursor) ? `${classes} cur` : classes;
    if (here !== last || wide) end();
    last = here;
    text += letter;
    if (wide) {
      last += " two";
      end();
    }
  }
  end();
  return node;
}
