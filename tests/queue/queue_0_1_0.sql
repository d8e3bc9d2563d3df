-- A queue as version 0.1.0 (commit fc68165) wrote it: the dump, by `sqlite3 queue.db .dump`, of a queue.db that
-- its DownloadQueue had written against its tests' fault server (contents of its tests.downloads.support.content:
-- "done" of 5,000, the others of 1 << 20 bytes), with settings changed. One archive was done, one 404, one without
-- a key, one answered 503 with Retry-After, one paused and one cancelled half-way, one ("lost") stalled half-way
-- when the program ended by `os._exit(9)`; its Desk then added an asset and a dataset, and paused that. `.dump`
-- leaves out `PRAGMA user_version`, which stands at the end. Folder and server are put in by the test.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE runners (
        id TEXT PRIMARY KEY,
        pid INTEGER NOT NULL,
        host TEXT NOT NULL,
        token TEXT NOT NULL,
        beat REAL NOT NULL
    , kind TEXT NOT NULL DEFAULT 'app');
INSERT INTO runners VALUES('f8d2498ca95145c88d14971ed04ebfa4',9784,'vm','78c4227f-d835-4e84-b5b1-0c8e3a30ae94:4353578',1795964628.2471444607,'app');
CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        target TEXT NOT NULL UNIQUE,
        source TEXT NOT NULL,
        profile TEXT,
        collection_id TEXT NOT NULL,
        folder TEXT NOT NULL,
        if_exists TEXT NOT NULL,
        title TEXT NOT NULL,
        size INTEGER,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        position INTEGER NOT NULL,
        bytes_done INTEGER NOT NULL DEFAULT 0,
        bytes_total INTEGER,
        reason TEXT NOT NULL DEFAULT '',
        hint TEXT NOT NULL DEFAULT '',
        tries INTEGER NOT NULL DEFAULT 0,
        next_try REAL,
        runner TEXT,
        revision INTEGER NOT NULL
    , rate REAL, eta REAL, connections INTEGER NOT NULL DEFAULT 0, sums TEXT NOT NULL DEFAULT '', asset TEXT, dataset TEXT, files_done INTEGER NOT NULL DEFAULT 0, files_failed INTEGER NOT NULL DEFAULT 0, files_total INTEGER);
INSERT INTO jobs VALUES(1,'/tmp/mlhub-0.1.0/out/done.tar.gz','http://127.0.0.1/mlhub/v1/',NULL,'done','/tmp/mlhub-0.1.0/out','resume','Archive done',NULL,'done.tar.gz','done',1,4823,4823,'','',0,NULL,'f8d2498ca95145c88d14971ed04ebfa4',22,NULL,NULL,0,'md5:befcebcf376b12a91ee038cec6abff8a',NULL,NULL,0,0,NULL);
INSERT INTO jobs VALUES(2,'/tmp/mlhub-0.1.0/out/half.tar.gz','http://127.0.0.1/mlhub/v1/',NULL,'half','/tmp/mlhub-0.1.0/out','resume','Archive half',NULL,'half.tar.gz','paused',2,600000,1048479,'','',0,NULL,'f8d2498ca95145c88d14971ed04ebfa4',27,10615.385601223792036,NULL,1,'',NULL,NULL,0,0,NULL);
INSERT INTO jobs VALUES(3,'/tmp/mlhub-0.1.0/out/gone.tar.gz','http://127.0.0.1/mlhub/v1/',NULL,'gone','/tmp/mlhub-0.1.0/out','resume','Archive gone',NULL,'gone.tar.gz','failed',3,0,NULL,'the archive of collection gone does not exist; it may still be generating','check the ID',1,NULL,'f8d2498ca95145c88d14971ed04ebfa4',10,NULL,NULL,0,'',NULL,NULL,0,0,NULL);
INSERT INTO jobs VALUES(4,'/tmp/mlhub-0.1.0/out/locked.tar.gz','http://127.0.0.1/mlhub/v1/','mine','locked','/tmp/mlhub-0.1.0/out','resume','Archive locked',NULL,'locked.tar.gz','needs a key',4,0,NULL,'no key','run `mlhub-tui configure`, or set MLHUB_API_KEY',1,NULL,'f8d2498ca95145c88d14971ed04ebfa4',11,NULL,NULL,0,'',NULL,NULL,0,0,NULL);
INSERT INTO jobs VALUES(5,'/tmp/mlhub-0.1.0/out/busy.tar.gz','http://127.0.0.1/mlhub/v1/',NULL,'busy','/tmp/mlhub-0.1.0/out','resume','Archive busy',NULL,'busy.tar.gz','retrying',5,0,NULL,'127.0.0.1:45391 answered 503 Said','nothing is wrong on this side: retry later',1,1795968226.6901485919,'f8d2498ca95145c88d14971ed04ebfa4',21,NULL,NULL,0,'',NULL,NULL,0,0,NULL);
INSERT INTO jobs VALUES(6,'/tmp/mlhub-0.1.0/out/given-up.tar.gz','http://127.0.0.1/mlhub/v1/',NULL,'given-up','/tmp/mlhub-0.1.0/out','resume','Archive given-up',NULL,'given-up.tar.gz','cancelled',6,0,1048479,'','',0,NULL,'f8d2498ca95145c88d14971ed04ebfa4',29,NULL,NULL,0,'',NULL,NULL,0,0,NULL);
INSERT INTO jobs VALUES(7,'/tmp/mlhub-0.1.0/out/lost.tar.gz','http://127.0.0.1/mlhub/v1/',NULL,'lost','/tmp/mlhub-0.1.0/out','resume','Archive lost',NULL,'lost.tar.gz','stalled',7,600000,1048479,'nothing comes at the moment','',0,NULL,'f8d2498ca95145c88d14971ed04ebfa4',37,NULL,NULL,1,'',NULL,NULL,0,0,NULL);
INSERT INTO jobs VALUES(8,'/tmp/mlhub-0.1.0/out/fields/one/B01.tif','http://127.0.0.1/mlhub/v1/',NULL,'fields','/tmp/mlhub-0.1.0/out','resume','one B01',300,'fields/one/B01.tif','queued',8,0,300,'','',0,NULL,NULL,38,NULL,NULL,0,'','{"name": "fields/one/B01.tif", "item_id": "one", "key": "B01", "href": "http://127.0.0.1:9/x/B01.tif", "document_url": "", "kind": "mlhub", "checksum": "1220abababababababababababababababababababababababababababababababab", "page": false}',NULL,0,0,NULL);
INSERT INTO jobs VALUES(9,'/tmp/mlhub-0.1.0/out/crops','http://127.0.0.1/mlhub/v1/',NULL,'crops','/tmp/mlhub-0.1.0/out','resume','Crops',NULL,'crops','paused',9,0,NULL,'','',0,NULL,NULL,40,NULL,NULL,0,'',NULL,'{"filters": {"collections": {"fields": ["a"]}, "bbox": [0.0, 0.0, 1.0, 1.0], "intersects": null, "exact": false, "when": null, "catalog_only": false}, "stamp": "2026-11-29 4563ddf7dd154bdeab0118cfdcb895c7", "assets": null, "collections": [], "kind": "mlhub", "cluster": null, "url": ""}',0,0,NULL);
CREATE TABLE parts (
        path TEXT PRIMARY KEY,
        runner TEXT,
        generation INTEGER NOT NULL DEFAULT 0,
        url TEXT NOT NULL DEFAULT '',
        total INTEGER,
        etag TEXT,
        modified TEXT,
        digests TEXT NOT NULL DEFAULT '',
        inode TEXT NOT NULL DEFAULT '',
        synced INTEGER NOT NULL DEFAULT 0
    , extents TEXT NOT NULL DEFAULT '');
INSERT INTO parts VALUES('/tmp/mlhub-0.1.0/out/half.tar.gz.part',NULL,1,'http://127.0.0.1:45391/store/half.tar.gz',1048479,'"v1"','Thu, 26 Aug 2021 19:16:05 GMT','md5:6af648689456353108420eb4288e10f6','65024:3891315',600000,'');
INSERT INTO parts VALUES('/tmp/mlhub-0.1.0/out/lost.tar.gz.part','f8d2498ca95145c88d14971ed04ebfa4',1,'http://127.0.0.1:45391/store/lost.tar.gz',1048479,'"v1"','Thu, 26 Aug 2021 19:16:05 GMT','md5:6af648689456353108420eb4288e10f6','65024:3891379',600000,'');
CREATE TABLE clock (revision INTEGER NOT NULL);
INSERT INTO clock VALUES(40);
CREATE TABLE commands (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job INTEGER NOT NULL,
        verb TEXT NOT NULL,
        delete_part INTEGER NOT NULL,
        author TEXT NOT NULL,
        at REAL NOT NULL
    );
CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER);
INSERT INTO settings VALUES('limit',50000000);
INSERT INTO settings VALUES('transfers',16);
INSERT INTO settings VALUES('per_host',16);
CREATE TABLE events (
        job INTEGER NOT NULL,
        number INTEGER NOT NULL,
        at REAL NOT NULL,
        words TEXT NOT NULL,
        PRIMARY KEY (job, number)
    ) WITHOUT ROWID
    ;
INSERT INTO events VALUES(1,1,1795964626.5814986228,'queued');
INSERT INTO events VALUES(1,2,1795964626.5824329852,'starts in the app, pid 9784');
INSERT INTO events VALUES(1,3,1795964626.669760704,'begins: 4.8 kB, from 127.0.0.1:45391');
INSERT INTO events VALUES(1,4,1795964626.687887907,'all bytes are there: verifying');
INSERT INTO events VALUES(1,5,1795964626.6908502578,'done: 4.8 kB, in 0.1 s, 44.8 kB/s on average; verified with md5');
INSERT INTO events VALUES(2,1,1795964626.5833284855,'queued');
INSERT INTO events VALUES(2,2,1795964626.584172964,'starts in the app, pid 9784');
INSERT INTO events VALUES(2,3,1795964626.6717638969,'begins: 1.0 MB, from 127.0.0.1:45391');
INSERT INTO events VALUES(2,4,1795964626.8145794868,'paused');
INSERT INTO events VALUES(3,1,1795964626.5850932598,'queued');
INSERT INTO events VALUES(3,2,1795964626.5949039459,'starts in the app, pid 9784');
INSERT INTO events VALUES(3,3,1795964626.6222643852,'failed: the archive of collection gone does not exist; it may still be generating');
INSERT INTO events VALUES(4,1,1795964626.5982072353,'queued');
INSERT INTO events VALUES(4,2,1795964626.6064510345,'starts in the app, pid 9784');
INSERT INTO events VALUES(4,3,1795964626.6338801384,'needs a key: … key');
INSERT INTO events VALUES(5,1,1795964626.6140272617,'queued');
INSERT INTO events VALUES(5,2,1795964626.6359887123,'starts in the app, pid 9784');
INSERT INTO events VALUES(5,3,1795964626.6902182102,'127.0.0.1:45391 answered 503 Said with Retry-After 1 h; next try in 1 h');
INSERT INTO events VALUES(6,1,1795964626.6384737492,'queued');
INSERT INTO events VALUES(6,2,1795964626.6498699188,'starts in the app, pid 9784');
INSERT INTO events VALUES(6,3,1795964626.6855287551,'begins: 1.0 MB, from 127.0.0.1:45391');
INSERT INTO events VALUES(6,4,1795964626.8170804977,'cancelled');
INSERT INTO events VALUES(7,1,1795964626.6560018062,'queued');
INSERT INTO events VALUES(7,2,1795964626.6658625602,'starts in the app, pid 9784');
INSERT INTO events VALUES(7,3,1795964626.6936438083,'begins: 1.0 MB, from 127.0.0.1:45391');
INSERT INTO events VALUES(7,4,1795964626.9199905395,'nothing comes at the moment');
INSERT INTO events VALUES(8,1,1795964628.5064013004,'queued');
INSERT INTO events VALUES(9,1,1795964628.508140087,'queued');
INSERT INTO events VALUES(9,2,1795964628.509684801,'paused');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('jobs',9);
CREATE INDEX jobs_by_revision ON jobs (revision);
CREATE INDEX jobs_by_position ON jobs (position);
CREATE INDEX commands_by_job ON commands (job);
COMMIT;
PRAGMA user_version=7;
