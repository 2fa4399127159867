-- A folder is the archive of one database: whoever looks after it removes what this database does not name. A file of hours
-- without rows says that there were none.
ALTER TABLE archive_state ADD COLUMN owner uuid NOT NULL DEFAULT gen_random_uuid();
COMMENT ON COLUMN archive_state.owner IS 'names this database in the folder of its archive; a restored one is another';
ALTER TABLE archive_file DROP CONSTRAINT archive_file_row_count_check;
ALTER TABLE archive_file ADD CONSTRAINT archive_file_row_count_check CHECK (row_count > 0 OR kind = 2);
