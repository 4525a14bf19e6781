-- The application's database before the pipeline is installed: its tables as APPLICATION.md declares them, with
-- typical flaws of an old database (marked FLAW). {external_id}, {season_id}: the provider's ids of the season.

CREATE TABLE tournament (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), external_id text NOT NULL, base_url text NOT NULL, public_url text,
    slug text NOT NULL DEFAULT '', provider text NOT NULL, season text NOT NULL, current_round text, mode text NOT NULL,
    standings_mode text NOT NULL DEFAULT 'unique-group', label text NOT NULL, logo text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'active', deleted_at timestamp, created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(), UNIQUE (external_id, slug));
CREATE TABLE tournament_round (
    id uuid PRIMARY KEY, tournament_id uuid NOT NULL REFERENCES tournament (id) ON DELETE CASCADE, "order" int NOT NULL,
    label text NOT NULL, slug text NOT NULL, knockout_id text NOT NULL DEFAULT '', prefix text NOT NULL DEFAULT '',
    provider_url text NOT NULL, provider_id text NOT NULL, type text NOT NULL, created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(), UNIQUE (tournament_id, slug));
CREATE TABLE team (
    id uuid PRIMARY KEY, name text NOT NULL, external_id text NOT NULL, short_name text, badge text NOT NULL,
    provider text NOT NULL, created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (provider, external_id));
CREATE TABLE match (
    id uuid PRIMARY KEY, external_id text NOT NULL, provider text NOT NULL,
    tournament_id uuid NOT NULL REFERENCES tournament (id) ON DELETE CASCADE, round_slug text NOT NULL,
    home_team_id uuid NOT NULL REFERENCES team (id), external_home_team_id text NOT NULL, home_score int,
    home_penalties_score int, away_team_id uuid NOT NULL REFERENCES team (id), external_away_team_id text NOT NULL,
    away_score int, away_penalties_score int, date timestamp, time text, stadium text, tournament_match text,
    status text NOT NULL, last_checked_at timestamp, scoreboard_applied_at timestamp,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (external_id, provider));
-- FLAW: the key refuses the second of two teams with the same short name.
CREATE TABLE tournament_standings (
    id uuid, team_id uuid NOT NULL REFERENCES team (id), team_external_id text NOT NULL,
    tournament_id uuid NOT NULL REFERENCES tournament (id) ON DELETE CASCADE, "order" int NOT NULL,
    group_name text NOT NULL DEFAULT '', short_name text NOT NULL, long_name text NOT NULL,
    points int NOT NULL DEFAULT 0, games int NOT NULL DEFAULT 0, wins int NOT NULL DEFAULT 0,
    draws int NOT NULL DEFAULT 0, losses int NOT NULL DEFAULT 0, goals_for int NOT NULL DEFAULT 0,
    goals_against int NOT NULL DEFAULT 0, goal_difference int NOT NULL DEFAULT 0, form text[] NOT NULL DEFAULT '{}',
    provider text NOT NULL, created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now(),
    PRIMARY KEY (short_name, tournament_id));
-- FLAW: an execution without a tournament could only be recorded under the all-zero id.
CREATE TABLE data_provider_executions (
    id uuid PRIMARY KEY, request_id uuid NOT NULL, tournament_id uuid NOT NULL, match_id uuid REFERENCES match (id),
    operation_type text NOT NULL, status text NOT NULL, started_at timestamp NOT NULL DEFAULT now(),
    completed_at timestamp, duration int, report_file_url text, report_file_key text, summary jsonb,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now());

-- Tables that only the application writes.
CREATE TABLE member (id uuid PRIMARY KEY, nick text NOT NULL, email text NOT NULL UNIQUE, created_at timestamp NOT NULL);
CREATE TABLE league (id uuid PRIMARY KEY, founder_id uuid NOT NULL REFERENCES member (id), label text NOT NULL);
CREATE TABLE league_member (
    league_id uuid REFERENCES league (id), member_id uuid REFERENCES member (id), role text NOT NULL DEFAULT 'GUEST',
    PRIMARY KEY (league_id, member_id));
CREATE TABLE league_tournament (
    league_id uuid REFERENCES league (id), tournament_id uuid REFERENCES tournament (id), PRIMARY KEY (league_id, tournament_id));
CREATE TABLE guess (
    id uuid PRIMARY KEY, member_id uuid NOT NULL REFERENCES member (id), match_id uuid NOT NULL REFERENCES match (id),
    home_score int NOT NULL, away_score int NOT NULL, points int, updated_at timestamp NOT NULL, UNIQUE (member_id, match_id));
CREATE TABLE tournament_member (
    tournament_id uuid REFERENCES tournament (id), member_id uuid REFERENCES member (id), points numeric NOT NULL DEFAULT 0,
    updated_at timestamp NOT NULL, PRIMARY KEY (tournament_id, member_id));
CREATE TABLE scoreboard (
    id serial PRIMARY KEY, member_id uuid NOT NULL REFERENCES member (id), match_id uuid NOT NULL REFERENCES match (id),
    round_id uuid NOT NULL REFERENCES tournament_round (id), points int NOT NULL, ranking jsonb NOT NULL);
CREATE TABLE favourite_team (member_id uuid REFERENCES member (id), team_id uuid REFERENCES team (id), PRIMARY KEY (member_id, team_id));

-- The running season; one of an older mode, which is active; one of an older status; one that is deleted.
INSERT INTO tournament (id, external_id, base_url, slug, provider, season, current_round, mode, label, logo, status,
                        deleted_at, created_at, updated_at)
VALUES ('00000000-0000-4000-8000-0000000000a1', '{external_id}',
        'https://www.sofascore.com/api/v1/unique-tournament/{external_id}/season/{season_id}', 'village-cup-2024',
        'sofascore', '2024', '2', 'regular-season-and-knockout', 'Village Cup', 'https://old.example/cup.png', 'active',
        NULL, '2024-05-01', '2024-06-05'),
       ('00000000-0000-4000-8000-0000000000a2', '77', -- FLAW
        'https://www.sofascore.com/api/v1/unique-tournament/77/season/78', 'old-league', 'sofascore', '2023', '9',
        'league', 'Old League', '', 'active', NULL, '2023-05-01', '2023-06-05'),
       ('00000000-0000-4000-8000-0000000000a3', '79', -- FLAW
        'https://www.sofascore.com/api/v1/unique-tournament/79/season/80', 'older-league', 'sofascore', '2022', NULL,
        'regular-season-only', 'Older League', '', 'finished', NULL, '2022-05-01', '2022-06-05'),
       ('00000000-0000-4000-8000-0000000000a4', '81',
        'https://www.sofascore.com/api/v1/unique-tournament/81/season/82', 'a-mistake', 'sofascore', '2024', NULL,
        'knockout-only', 'A mistake', '', 'active', '2024-01-01 10:00:00.123456', '2023-12-01', '2024-01-01');
-- FLAW: the second round's type; the friendly's address.
INSERT INTO tournament_round (id, tournament_id, "order", label, slug, provider_url, provider_id, type, created_at, updated_at)
SELECT ('00000000-0000-4000-8000-00000000b00' || n)::uuid, '00000000-0000-4000-8000-0000000000a1', n, label, slug,
       'https://www.sofascore.com/api/v1/unique-tournament/{external_id}/season/{season_id}/events/round/' || address,
       id, type, '2024-05-01', '2024-05-01'
  FROM (VALUES (1, '1', '1', '1', '1', 'season'), (2, '2', '2', '2', '2', 'group-stage'), (3, '3', '3', '3', '3', 'season'),
               (4, 'Final', 'final', '29/slug/final', '29', 'knockout')) AS r (n, label, slug, address, id, type);
INSERT INTO tournament_round (id, tournament_id, "order", label, slug, provider_url, provider_id, type)
VALUES ('00000000-0000-4000-8000-00000000b009', '00000000-0000-4000-8000-0000000000a2', 9, '9', '9',
        'https://www.sofascore.com/api/v1/unique-tournament/77/season/78/events/round/9', '9', 'season'),
       ('00000000-0000-4000-8000-00000000b005', '00000000-0000-4000-8000-0000000000a1', 5, 'Friendly', 'friendly',
        'https://old.example/friendlies', '', 'season');
INSERT INTO team (id, name, external_id, short_name, badge, provider, created_at, updated_at)
VALUES ('00000000-0000-4000-8000-00000000c000', 'Oak', '1000', 'OAK', 'https://old.example/oak.png', 'sofascore', '2024-05-01', '2024-05-01'),
       ('00000000-0000-4000-8000-00000000c001', 'Pine', '1001', NULL, 'https://old.example/pine.png', 'sofascore', '2024-05-01', '2024-05-01'),
       -- FLAW: two with the same short name.
       ('00000000-0000-4000-8000-00000000c002', 'Yew', '1002', 'TRE', 'https://old.example/yew.png', 'sofascore', '2024-05-01', '2024-05-01'),
       ('00000000-0000-4000-8000-00000000c003', 'Elm', '1003', 'TRE', '', 'sofascore', '2024-05-01', '2024-05-01');
INSERT INTO match (id, external_id, provider, tournament_id, round_slug, home_team_id, external_home_team_id, home_score,
                   away_team_id, external_away_team_id, away_score, date, time, stadium, tournament_match, status,
                   scoreboard_applied_at, created_at, updated_at)
SELECT ('00000000-0000-4000-8000-00000000d0' || n)::uuid, external_id, 'sofascore',
       ('00000000-0000-4000-8000-0000000000' || tournament)::uuid, round,
       ('00000000-0000-4000-8000-00000000c00' || home)::uuid, '100' || home, home_score,
       ('00000000-0000-4000-8000-00000000c00' || away)::uuid, '100' || away, away_score,
       date::timestamp, time, stadium, tournament_match, status, applied::timestamp, '2024-05-01', '2024-05-20'
  -- The members' guesses of 9000004 were scored by a result that was corrected later.
  FROM (VALUES -- FLAW: finished, in-progress, scheduled, postponed are words of older vocabularies.
        ('01', '9000001', 'a1', '1', 0, 2, 1, 1, '2024-06-01 15:00', '15h00', 'Green', 'Cup 1', 'ended', '2024-06-01 17:30:00.5'),
        ('02', '9000002', 'a1', '1', 2, 0, 3, 0, '2024-06-01 18:00', NULL, NULL, NULL, 'in-progress', NULL),
        ('03', '9000003', 'a1', '2', 1, 3, 2, 0, '2024-06-04 15:00', '15h00', 'Hill', NULL, 'finished', NULL),
        ('04', '9000004', 'a1', '2', 3, 1, 0, 3, '2024-06-04 18:00', NULL, NULL, NULL, 'finished', '2024-06-04 20:30'),
        ('05', '9000005', 'a1', '3', 0, NULL, 2, NULL, NULL, NULL, 'Green', 'Cup 3', 'scheduled', NULL),
        ('06', '9000006', 'a1', '3', 1, NULL, 3, NULL, '2024-06-06 15:00', NULL, NULL, NULL, 'postponed', NULL),
        ('07', '5000007', 'a2', '9', 0, NULL, 1, NULL, '2024-06-07 12:00', NULL, NULL, NULL, 'open', NULL),
        ('08', '5000008', 'a2', '9', 2, 1, 3, 1, '2023-05-07 12:00', NULL, NULL, NULL, 'finished', '2023-05-08'),
        ('09', '5000009', 'a3', '1', 2, NULL, 3, NULL, NULL, NULL, NULL, NULL, 'postponed', NULL))
    AS m (n, external_id, tournament, round, home, home_score, away, away_score, date, time, stadium, tournament_match, status, applied);
INSERT INTO tournament_standings (id, team_id, team_external_id, tournament_id, "order", short_name, long_name, points,
                                  games, provider, created_at, updated_at)
VALUES ('00000000-0000-4000-8000-00000000e000', '00000000-0000-4000-8000-00000000c000', '1000', '00000000-0000-4000-8000-0000000000a1', 1, 'OAK', 'Oak', 6, 2, 'sofascore', '2024-05-01', '2024-06-05'),
       ('00000000-0000-4000-8000-00000000e001', '00000000-0000-4000-8000-00000000c001', '1001', '00000000-0000-4000-8000-0000000000a1', 2, 'Pine', 'Pine', 3, 2, 'sofascore', '2024-05-01', '2024-06-05'),
       ('00000000-0000-4000-8000-00000000e002', '00000000-0000-4000-8000-00000000c002', '1002', '00000000-0000-4000-8000-0000000000a1', 3, 'TRE', 'Yew', 1, 2, 'sofascore', '2024-05-01', '2024-06-05'),
       ('00000000-0000-4000-8000-00000000e003', '00000000-0000-4000-8000-00000000c002', '1002', '00000000-0000-4000-8000-0000000000a2', 1, 'TRE', 'Yew', 1, 1, 'sofascore', '2023-05-01', '2023-06-05');
INSERT INTO data_provider_executions (id, request_id, tournament_id, match_id, operation_type, status, started_at,
                                      completed_at, duration, report_file_url, report_file_key, summary, created_at, updated_at)
VALUES ('00000000-0000-4000-8000-00000000f001', '00000000-0000-4000-8000-00000000ffff', '00000000-0000-4000-8000-0000000000a1',
        '00000000-0000-4000-8000-00000000d001', 'matches_update', 'completed', '2024-06-01 17:00', '2024-06-01 17:01', 900,
        'https://old.example/r.json', 'r.json', '{"tournamentLabel": "Village Cup", "provider": "sofascore", "totalOperations": 3}', '2024-06-01', '2024-06-01'),
       -- FLAWS: a creation that failed, and some that are in progress for months, one with a malformed summary.
       ('00000000-0000-4000-8000-00000000f002', '00000000-0000-4000-8000-00000000ffff', '00000000-0000-0000-0000-000000000000',
        NULL, 'tournament_create', 'failed', '2024-04-01', '2024-04-01', 5, NULL, NULL, '{"error": "x"}', '2024-04-01', '2024-04-01'),
       ('00000000-0000-4000-8000-00000000f003', '00000000-0000-4000-8000-00000000fffe', '00000000-0000-0000-0000-000000000000',
        NULL, 'tournament_create', 'in_progress', '2024-03-01', NULL, NULL, NULL, NULL, 'null', '2024-03-01', '2024-03-01'),
       ('00000000-0000-4000-8000-00000000f004', '00000000-0000-4000-8000-00000000fffd', '00000000-0000-4000-8000-0000000000a1',
        NULL, 'matches_update', 'in_progress', '2024-02-01', NULL, NULL, NULL, NULL, '{"provider": "sofascore"}', '2024-02-01', '2024-02-01'),
       ('00000000-0000-4000-8000-00000000f005', '00000000-0000-4000-8000-00000000fffc', '00000000-0000-4000-8000-0000000000a1',
        NULL, 'matches_update', 'success', '2023-02-01', NULL, NULL, NULL, NULL, NULL, '2023-02-01', '2023-02-01');
INSERT INTO data_provider_executions (id, request_id, tournament_id, operation_type, status, started_at)
SELECT ('00000000-0000-4000-8000-00000000f01' || n)::uuid, gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 'x',
       'in_progress', '2023-06-01' FROM generate_series(0, 1) n;
-- FLAW: a foreign key that existing rows violate, so that it could never be validated.
ALTER TABLE data_provider_executions ADD CONSTRAINT data_provider_executions_tournament_id_fk
    FOREIGN KEY (tournament_id) REFERENCES tournament (id) NOT VALID;

INSERT INTO member SELECT ('00000000-0000-4000-8000-0000000a000' || n)::uuid, 'nick ' || n, n || '@example.com', '2024-05-01' FROM generate_series(1, 3) n;
INSERT INTO league VALUES ('00000000-0000-4000-8000-0000000b0001', '00000000-0000-4000-8000-0000000a0001', 'Friends');
INSERT INTO league_member SELECT l.id, m.id FROM league l, member m;
INSERT INTO league_tournament SELECT l.id, t.id FROM league l, tournament t;
INSERT INTO guess
SELECT gen_random_uuid(), p.id, m.id, n, 1, CASE WHEN m.scoreboard_applied_at IS NOT NULL THEN n END, '2024-05-30 12:34:56.789'
  FROM (SELECT id, row_number() OVER (ORDER BY id)::int AS n FROM member) p, match m;
INSERT INTO tournament_member SELECT t.id, p.id, 1.50, '2024-06-05' FROM tournament t, member p;
INSERT INTO scoreboard (member_id, match_id, round_id, points, ranking)
SELECT p.id, m.id, r.id, 3, '{"place":  1}'
  FROM member p, match m JOIN tournament_round r ON r.tournament_id = m.tournament_id AND r.slug = m.round_slug
 WHERE m.scoreboard_applied_at IS NOT NULL;
INSERT INTO favourite_team SELECT p.id, t.id FROM member p, team t;
