internal import GRDB

/// The tables, and the rules that the database itself holds to, whoever writes to it.
///
/// Dates are seconds since the start of 2001 (UTC), so that a date comes back to the last bit. A new version of the
/// tables is one more migration; those that are here never change.
enum Schema {
    /// `Gess`: whose file it is.
    static let applicationID = 0x4765_7373

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
            try db.execute(sql: tables)
            try db.execute(sql: indexes)
            try db.execute(sql: triggers)
        }
        return migrator
    }

    private static let tables = """
        -- One row: how many jobs there are, and how many there have been.
        CREATE TABLE totals (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            queued INTEGER NOT NULL DEFAULT 0 CHECK (queued >= 0),
            running INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
            done INTEGER NOT NULL DEFAULT 0,
            failed INTEGER NOT NULL DEFAULT 0,
            cancelled INTEGER NOT NULL DEFAULT 0,
            retried INTEGER NOT NULL DEFAULT 0,
            lastPlace INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        INSERT INTO totals (id) VALUES (1);

        -- How many jobs of a caller wait; no row for none.
        CREATE TABLE waiting (
            caller TEXT PRIMARY KEY,
            queued INTEGER NOT NULL CHECK (queued >= 0)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE job (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
            -- The order of submission: a job that is tried again gets a new one.
            place INTEGER NOT NULL UNIQUE,
            caller TEXT NOT NULL,
            model TEXT NOT NULL,
            front TEXT NOT NULL,
            priority INTEGER NOT NULL CHECK (priority BETWEEN -10 AND 10),
            submitted REAL NOT NULL,
            deadline REAL,
            timeLimit REAL,
            -- The request without its source picture, how pictures are delivered, and the front's own details.
            submission TEXT NOT NULL CHECK (json_valid(submission)),
            sourceDigest TEXT,
            status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
            attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
            started REAL,
            finished REAL,
            -- The token of the run that may write: set exactly while the job runs.
            lease INTEGER,
            cancelRequested REAL,
            outcome TEXT CHECK (outcome IS NULL OR json_valid(outcome)),
            isFavourite INTEGER NOT NULL DEFAULT 0 CHECK (isFavourite IN (0, 1)),
            CHECK ((lease IS NOT NULL) = (status = 'running')),
            CHECK (cancelRequested IS NULL OR status = 'running'),
            CHECK ((finished IS NOT NULL) = (status IN ('done', 'failed', 'cancelled'))),
            CHECK ((outcome IS NOT NULL) = (status IN ('done', 'failed')))
        ) STRICT;

        CREATE TABLE source_picture (
            job INTEGER PRIMARY KEY REFERENCES job (number) ON DELETE CASCADE,
            bytes BLOB NOT NULL
        ) STRICT;

        CREATE TABLE job_tag (
            job INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            tag TEXT NOT NULL,
            PRIMARY KEY (job, position),
            UNIQUE (tag, job)
        ) STRICT, WITHOUT ROWID;

        -- The prompts' words, made and folded by Gesso and parted by spaces: the tokenizer only splits them.
        CREATE VIRTUAL TABLE prompt_words USING fts5 (words, tokenize = 'ascii');
        """

    private static let indexes = """
        CREATE INDEX job_caller ON job (caller, place);
        CREATE INDEX job_model ON job (model, place);
        CREATE INDEX job_status ON job (status, place);
        CREATE INDEX job_favourite ON job (place) WHERE isFavourite;
        CREATE INDEX job_oldest ON job (submitted) WHERE status = 'queued';
        CREATE INDEX job_deadline ON job (deadline) WHERE status = 'queued' AND deadline IS NOT NULL;
        CREATE INDEX job_finished ON job (finished, place) WHERE finished IS NOT NULL AND NOT isFavourite;
        """

    private static let triggers = """
        CREATE TRIGGER job_added AFTER INSERT ON job BEGIN
            SELECT RAISE(ABORT, 'a job begins as queued') WHERE NEW.status <> 'queued';
            UPDATE totals SET queued = queued + 1, lastPlace = max(lastPlace, NEW.place);
            INSERT INTO waiting (caller, queued) VALUES (NEW.caller, 1)
                ON CONFLICT (caller) DO UPDATE SET queued = queued + 1;
        END;

        CREATE TRIGGER job_placed AFTER UPDATE OF place ON job BEGIN
            UPDATE totals SET lastPlace = max(lastPlace, NEW.place);
        END;

        CREATE TRIGGER job_moved AFTER UPDATE OF status ON job WHEN NEW.status <> OLD.status BEGIN
            SELECT RAISE(ABORT, 'a job cannot move so') WHERE NOT CASE OLD.status
                WHEN 'queued' THEN NEW.status IN ('running', 'failed', 'cancelled')
                WHEN 'running' THEN 1
                WHEN 'done' THEN 0
                ELSE NEW.status = 'queued' END;
            UPDATE totals SET
                queued = queued + (NEW.status = 'queued') - (OLD.status = 'queued'),
                running = running + (NEW.status = 'running') - (OLD.status = 'running'),
                done = done + (NEW.status = 'done'),
                failed = failed + (NEW.status = 'failed'),
                cancelled = cancelled + (NEW.status = 'cancelled'),
                retried = retried + (OLD.status IN ('failed', 'cancelled'));
            INSERT INTO waiting (caller, queued)
                SELECT NEW.caller, 1 WHERE NEW.status = 'queued'
                ON CONFLICT (caller) DO UPDATE SET queued = queued + 1;
            UPDATE waiting SET queued = queued - 1 WHERE OLD.status = 'queued' AND caller = OLD.caller;
            DELETE FROM waiting WHERE caller = OLD.caller AND queued = 0;
            -- A failed or cancelled job may be tried again, and needs it then.
            DELETE FROM source_picture WHERE NEW.status = 'done' AND job = NEW.number;
        END;

        CREATE TRIGGER job_forgotten BEFORE DELETE ON job BEGIN
            SELECT RAISE(ABORT, 'only a finished job is forgotten') WHERE OLD.finished IS NULL;
            DELETE FROM prompt_words WHERE rowid = OLD.number;
        END;
        """
}
