-- Where the lines of a long sealed output begin.
-- depends: 0042-checkout-keys

ALTER TABLE step ADD COLUMN line_index BLOB;
