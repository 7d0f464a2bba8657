BEGIN TRANSACTION;
CREATE TABLE datasets (
	number INTEGER NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	reading JSON NOT NULL, 
	path TEXT, 
	referenced BOOLEAN NOT NULL, 
	size BIGINT, 
	sha256 VARCHAR(64), 
	job_id VARCHAR(64), 
	report JSON, 
	error JSON, 
	created_at DOUBLE NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (id)
);
INSERT INTO "datasets" VALUES(1,'ds_a45f1dab4ae0149d105bd85d','clicks','valid','{"format": "csv"}','/data/clicks.csv',1,NULL,NULL,'ck_d3292c081d742698666fe751','{"rows": 2}',NULL,1.79569037929700469971e+09);
CREATE TABLE events (
	job_id VARCHAR(64) NOT NULL, 
	id INTEGER NOT NULL, 
	at DOUBLE NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempt INTEGER NOT NULL, 
	fraction DOUBLE NOT NULL, 
	eta_s DOUBLE, 
	message TEXT NOT NULL, 
	metrics JSON NOT NULL, 
	error JSON, 
	PRIMARY KEY (job_id, id), 
	FOREIGN KEY(job_id) REFERENCES jobs (id)
);
INSERT INTO "events" VALUES('ck_d3292c081d742698666fe751',1,1.79569037930501103402e+09,'queued',0,0.0,NULL,'Waits for a worker.','{}',NULL);
INSERT INTO "events" VALUES('ck_d3292c081d742698666fe751',2,1.7956903793170003891e+09,'validating',1,0.0,NULL,'Attempt 1 began.','{}',NULL);
INSERT INTO "events" VALUES('ck_d3292c081d742698666fe751',3,1.795690379320018053e+09,'succeeded',1,1.0,NULL,'The data set may be searched on.','{}',NULL);
INSERT INTO "events" VALUES('sr_cbc29ead2b27489d540e85af',1,1795690379.32899,'queued',0,0.0,NULL,'Waits for a worker.','{}',NULL);
INSERT INTO "events" VALUES('sr_cbc29ead2b27489d540e85af',2,1.79569037933200740817e+09,'validating',1,0.0,NULL,'Attempt 1 began.','{}',NULL);
INSERT INTO "events" VALUES('sr_cbc29ead2b27489d540e85af',3,1.79569037933599042885e+09,'succeeded',1,1.0,NULL,'Registered as version 1 of films.','{}',NULL);
INSERT INTO "events" VALUES('sr_04dad45cf1ac29266ca1c07f',1,1.7956903793439970016e+09,'queued',0,0.0,NULL,'Waits for a worker.','{}',NULL);
CREATE TABLE jobs (
	number INTEGER NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	dataset_id VARCHAR(64) NOT NULL, 
	settings JSON NOT NULL, 
	"key" VARCHAR(255), 
	body_hash VARCHAR(64), 
	state VARCHAR(16) NOT NULL, 
	token INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	worker VARCHAR(200), 
	lease_until DOUBLE, 
	heartbeat_at DOUBLE, 
	fraction DOUBLE NOT NULL, 
	eta_s DOUBLE, 
	message TEXT NOT NULL, 
	error JSON, 
	last_event INTEGER NOT NULL, 
	model_version INTEGER, 
	created_at DOUBLE NOT NULL, 
	started_at DOUBLE, 
	finished_at DOUBLE, 
	PRIMARY KEY (number), 
	UNIQUE (id), 
	UNIQUE ("key")
);
INSERT INTO "jobs" VALUES(1,'ck_d3292c081d742698666fe751','dataset','clicks','ds_a45f1dab4ae0149d105bd85d','{}',NULL,NULL,'succeeded',1,1,NULL,NULL,1.7956903793170003891e+09,1.0,NULL,'The data set may be searched on.',NULL,3,NULL,1.79569037929901623726e+09,1.7956903793170003891e+09,1.795690379320018053e+09);
INSERT INTO "jobs" VALUES(2,'sr_cbc29ead2b27489d540e85af','search','films','ds_a45f1dab4ae0149d105bd85d','{"learning": {"seed": 1}, "run": {}}','key-1','0000000000000000000000000000000000000000000000000000000000000000','succeeded',1,1,NULL,NULL,1.79569037933200740817e+09,1.0,NULL,'Registered as version 1 of films.',NULL,3,1,1795690379.32899,1.79569037933200740817e+09,1.79569037933599042885e+09);
INSERT INTO "jobs" VALUES(3,'sr_04dad45cf1ac29266ca1c07f','search','films','ds_a45f1dab4ae0149d105bd85d','{"learning": {"seed": 2}, "run": {}}',NULL,NULL,'queued',0,0,NULL,NULL,NULL,0.0,NULL,'Waits for a worker.',NULL,1,NULL,1.7956903793439970016e+09,NULL,NULL);
CREATE TABLE model_versions (
	name VARCHAR(200) NOT NULL, 
	version INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	job_id VARCHAR(64) NOT NULL, 
	created_at DOUBLE NOT NULL, 
	PRIMARY KEY (name, version), 
	UNIQUE (job_id), 
	FOREIGN KEY(job_id) REFERENCES jobs (id)
);
INSERT INTO "model_versions" VALUES('films',1,'searches/sr_cbc29ead2b27489d540e85af/bundle','sr_cbc29ead2b27489d540e85af',1.79569037933599042885e+09);
CREATE INDEX ix_jobs_state ON jobs (state);
COMMIT;
