#!/bin/sh
# Changes this machine for `netwright apply` and `netwright rollback`: all of a change, or nothing of it.
#
# It needs systemd, a POSIX shell, coreutils, findutils and util-linux's flock. Everything that it keeps lies in
# /var/lib/netwright, which only root may enter:
#
#   incoming/ID   a change that is being sent
#   changes/ID    a change: its new files, copies of what they replace, commands, and what became of it (outcome)
#   pending       a link to the change under way: it is undone unless it is confirmed
#   undoing       a link to the change that is being undone
#   applied       a link to the last change that was confirmed
#
# At any moment one rename decides what the machine is on its way to:
#
#   no link       the change is not begun, and no file has been touched
#   pending       the machine is on its way to the old state, whatever happens: the timer, or the next boot, undoes it
#   applied       `mv pending applied` is the confirmation; the machine has the new state
#   undoing       `mv pending undoing` ends the time for a confirmation; the timer's service or the next boot goes on
#
# Both renames are done under a lock that the kernel drops with its holder, so that only one of them happens. Before the
# first file changes, in this order: the timer is armed, the unit that undoes at boot is enabled, `pending` is there, the
# copies are made (`kept`), every new file lies beside its place, and so does a hard link to each old one; all of it on
# the disk. Disks that are full are found out by then. To undo is to rename those links back, which needs no space; it may
# be interrupted anywhere and begun again.
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin
root=
export LC_ALL PATH
umask 077

tab=$(printf '\t')
store=$root/var/lib/netwright
most=1048576

# A fact as collect.sh prints it: NAME, tab, text in base64, tab, " 0" in base64.
say() { printf '%s\t%s\tIDA=\n' "$1" "$(printf '%s' "$2" | base64 -w 0)"; }

digest_of() {
    if [ -L "$1" ]; then echo link
    elif [ -f "$1" ]; then sha256sum < "$1" | cut -d ' ' -f 1
    elif [ -e "$1" ]; then echo other
    else echo -; fi
}

held_by() { readlink "$store/$1" 2>/dev/null | cut -d / -f 2; }

text_of() { if [ -r "$1" ]; then cat "$1"; fi; }

put_text() { printf '%s\n' "$2" > "$1.part" && mv -f "$1.part" "$1"; }

# The kernel drops the lock with the shell that holds it; what this starts does not inherit it.
locked() {
    (
        flock 9
        "$@" 9>&-
    ) 9> "$store/lock"
}

to_disk() { sync -f "$store" "$root/etc" 2>/dev/null || sync; }

systemd_runs() { [ -d "$root/run/systemd/system" ]; }

fail() {
    why=$*
    put_text "$change/why" "$why"
    return 1
}

beside() { printf '%s/.%s.netwright-%s' "${1%/*}" "${1##*/}" "$2"; }

# ---- what the machine has -------------------------------------------------------------------------------------------

# Reads lines "DIGEST PATH" of what is wanted; prints of each path what is there, with its content where that differs.
look_at() {
    while IFS=$tab read -r digest path; do
        place=$root$path
        found=$(digest_of "$place")
        content=-
        if [ "$found" = link ]; then content=$(readlink "$place" | base64 -w 0)
        elif [ "$found" != "$digest" ] && [ -f "$place" ] && [ "$(stat -c %s "$place")" -le "$most" ]; then
            content=$(base64 -w 0 < "$place")
        fi
        access="- -"
        [ "$found" = - ] || access=$(stat -c '%a %U:%G' "$place")
        printf '%s\t%s\t%s\t%s\n' "$found" "$(printf '%s' "$access" | tr ' ' '\t')" "${content:-=}" "$path"
    done
}

look() {
    say format 1
    systemd_runs || say problem "systemd is not the machine's first process"
    for program in flock sha256sum base64 systemd-run stat; do
        command -v "$program" > /dev/null || say problem "$program is not installed"
    done
    say pending "$(held_by pending)"
    say undoing "$(held_by undoing)"
    say applied "$(held_by applied)"
    say who "$(text_of "$store/pending/who")$(text_of "$store/undoing/who")"
    for name in manifest files kept undo-leave undo-then kind who; do say "applied-$name" "$(text_of "$store/applied/$name")"; done
    say files "$({ wanted; cut -f 1 "$store/applied/manifest" 2>/dev/null | sed "s/^/-$tab/"; } | look_at)"
    say end ''
}

# ---- begin ----------------------------------------------------------------------------------------------------------

# begin ID SECONDS WHO: takes what `payload` writes, and does it while a timer runs.
begin() {
    id=$1 seconds=$2 who=$3
    say format 1
    mkdir -p "$store/incoming" "$store/changes" && chmod 700 "$store" || { say problem "$store can't be made"; say end ''; return; }
    find "$store/incoming" -mindepth 1 -maxdepth 1 -mmin +120 -exec rm -rf '{}' +
    change=$store/incoming/$id
    if ! { mkdir "$change" "$change/new" "$change/old" && payload && put_text "$change/who" "$who"; } 2> "$store/incoming/$id.log"; then
        say problem "the change can't be taken: $(tail -n 1 "$store/incoming/$id.log")"
    elif ! arm 2> "$store/incoming/$id.log"; then
        say problem "the timer can't be armed: $(tail -n 1 "$store/incoming/$id.log")"
    elif ! prepare_boot 2> "$store/incoming/$id.log"; then
        say problem "the unit for the next boot can't be installed: $(tail -n 1 "$store/incoming/$id.log")"
        disarm
    elif ! locked claim "$id"; then
        say refused "$(text_of "$store/pending/who")$(text_of "$store/undoing/who")"
        disarm
    else
        start
    fi
    rm -rf "$change" "$store/incoming/$id.log"
    say state "$(state_of "$id")"
    say why "$(text_of "$store/changes/$id/why")"
    say end ''
}

arm() {
    systemd-run --quiet --unit="netwright-undo-$id" --on-active="$seconds" --timer-property=AccuracySec=200ms \
        --property=Type=oneshot --description="Undo the change $id of netwright, which was not confirmed" \
        /bin/sh -c "[ ! -e $store/changes/$id/machine.sh ] || exec /bin/sh $store/changes/$id/machine.sh undo $id timer"
}

disarm() { systemctl stop --no-block "netwright-undo-$id.timer" 2> /dev/null; }

claim() {
    if [ -L "$store/pending" ] || [ -L "$store/undoing" ]; then return 1; fi
    applied=$(held_by applied)
    for one in "$store"/changes/*; do
        [ "${one##*/}" = "$applied" ] || rm -rf "$one"
    done
    text_of "$store/applied/manifest" > "$store/incoming/$1/manifest-before"
    mv -T "$store/incoming/$1" "$store/changes/$1" && to_disk && ln -s "changes/$1" "$store/pending" && to_disk
}

# As a unit of its own: an end of the connection does not end it, and what undoes can end it with all that it started.
start() {
    systemd-run --quiet --wait --collect --unit="netwright-apply-$id" --property=KillMode=control-group \
        --description="Apply the change $id of netwright" /bin/sh "$store/changes/$id/machine.sh" work "$id" 2> /dev/null
}

# ---- the change -----------------------------------------------------------------------------------------------------

work() {
    change=$store/changes/$1
    if prepare "$1" && to_disk && put_text "$change/progress" changing && to_disk && exchange; then
        put_text "$change/progress" done
        to_disk
    else
        undo "$1" work
    fi
}

prepare() {
    clear_old "$store/applied"
    check || return
    keep 2>> "$change/log" || fail "what is replaced can't be kept: $(tail -n 1 "$change/log")" || return
    to_disk
    mv "$change/kept.part" "$change/kept"
    to_disk
    stage 2>> "$change/log" || fail "the new files can't be laid out: $(tail -n 1 "$change/log")"
}

prepare_boot() {
    unit=$root/etc/systemd/system/netwright-undo.service
    link=$root/etc/systemd/system/sysinit.target.wants/netwright-undo.service
    if [ -L "$link" ] && cmp -s "$change/boot-unit" "$unit"; then return; fi
    mkdir -p "${link%/*}"
    chmod 755 "${link%/*}"
    cp "$change/boot-unit" "$unit.part" && chmod 644 "$unit.part" && mv -f "$unit.part" "$unit" || return
    label "$unit"
    ln -sfn ../netwright-undo.service "$link"
    if systemd_runs; then systemctl daemon-reload; fi
}

label() {
    if command -v restorecon > /dev/null; then restorecon "$1"; fi
    return 0
}

check() {
    while IFS=$tab read -r number mode owner digest was path; do
        [ "$(digest_of "$root$path")" = "$was" ] || fail "$path has changed since it was looked at: apply again" || return
        [ "$digest" = - ] || [ "$digest" = link ] || [ "$(digest_of "$change/new/$number")" = "$digest" ] ||
            fail "the new $path did not arrive whole" || return
    done < "$change/files"
}

keep() {
    : > "$change/kept.part" && : > "$change/folders" && : > "$change/values" && : > "$change/states" && : > "$change/links" || return
    while IFS=$tab read -r number mode owner digest was path; do
        if [ "$was" = - ]; then
            printf '%s\tabsent\t%s\n' "$number" "$path"
            missing_folders "${path%/*}" >> "$change/folders"
        else
            cp -a "$root$path" "$change/old/$number" || return
            printf '%s\tkept\t%s\n' "$number" "$path"
        fi >> "$change/kept.part"
    done < "$change/files"
    while read -r path; do
        if [ -r "$root$path" ]; then printf '%s\t%s\n' "$path" "$(cat "$root$path" | tr '\t' ' ')" >> "$change/values" || return; fi
    done < "$change/parameters"
    while read -r unit; do
        printf '%s\t%s\n' "$unit" "$(systemctl is-active "$unit" 2> /dev/null < /dev/null)" >> "$change/states" &&
            links_of "$unit" >> "$change/links" || return
    done < "$change/units"
}

# The links by which systemd starts a unit, or not: lines "PATH TARGET".
links_of() { find "$root/etc/systemd/system" -type l '(' -name "$1" -o -lname "*/$1" ')' -printf '%p\t%l\n'; }

missing_folders() {
    if [ -n "$1" ] && [ ! -d "$root$1" ]; then
        missing_folders "${1%/*}"
        printf '%s\n' "$1"
    fi
}

stage() {
    while read -r path; do
        [ -d "$root$path" ] || { mkdir "$root$path" && chmod 755 "$root$path" && label "$root$path"; } || return
    done < "$change/folders"
    while IFS=$tab read -r number mode owner digest was path; do
        new=$(beside "$root$path" new) old=$(beside "$root$path" old)
        rm -f "$new" "$old" || return
        if [ "$digest" = link ]; then cp -dp "$change/new/$number" "$new" || return
        elif [ "$digest" != - ]; then
            cp "$change/new/$number" "$new" && chown "$owner" "$new" && chmod "$mode" "$new" || return
        fi
        if [ "$was" != - ]; then ln -P "$root$path" "$old" 2> /dev/null || cp -a "$root$path" "$old" || return; fi
    done < "$change/files"
}

exchange() {
    commands "$change/leave" || return
    while IFS=$tab read -r number mode owner digest was path; do
        if [ "$digest" = - ]; then rm -f "$root$path"
        else mv -fT "$(beside "$root$path" new)" "$root$path" && label "$root$path"; fi 2>> "$change/log" ||
            fail "$path can't be replaced: $(tail -n 1 "$change/log")" || return
    done < "$change/files"
    to_disk
    commands "$change/then" || return
    # A rollback brings back values and states of units as well.
    put_values "$change/values-wanted"
    put_links "$change/links-wanted"
    put_states "$change/states-wanted"
    while IFS=$tab read -r number mode owner digest was path; do
        [ "$(digest_of "$root$path")" = "$digest" ] || fail "$path has changed meanwhile" || return
    done < "$change/files"
}

commands() {
    [ -r "$1" ] || return 0
    while read -r line; do
        timeout -k 5 90 sh -c "$line" > "$change/said" 2>&1 < /dev/null ||
            fail "$line: status $?: $(tail -c 400 "$change/said" | tail -n 1)" || return
    done < "$1"
}

# ---- confirm, undo, boot --------------------------------------------------------------------------------------------

state_of() {
    case $1 in
        "$(held_by undoing)") echo undoing ;;
        "$(held_by pending)") text_of "$store/changes/$1/progress" | sed 's/^done$/waiting/' | grep . || echo beginning ;;
        "$(held_by applied)") echo applied ;;
        *) text_of "$store/changes/$1/outcome" | grep . || echo unknown ;;
    esac
}

state() {
    say format 1
    say state "$(state_of "$1")"
    say why "$(text_of "$store/changes/$1/why")"
    say end ''
}

confirm() {
    id=$1
    say format 1
    if locked settle "$id"; then
        to_disk
        disarm
        clear_old "$store/applied"
        remove_folders "$store/applied/folders-unwanted"
    fi
    say state "$(state_of "$id")"
    say why "$(text_of "$store/changes/$1/why")"
    say end ''
}

settle() {
    [ "$(held_by pending)" = "$1" ] && [ "$(text_of "$store/changes/$1/progress")" = done ] &&
        mv -fT "$store/pending" "$store/applied"
}

# Takes away what was laid beside files; never one whose link is still needed, as no change is pending then.
clear_old() {
    [ -r "$1/files" ] || return 0
    while IFS=$tab read -r number mode owner digest was path; do
        rm -f "$(beside "$root$path" old)" "$(beside "$root$path" new)"
    done < "$1/files"
}

take_back() {
    if [ "$(held_by undoing)" = "$1" ]; then return; fi
    [ "$(held_by pending)" = "$1" ] && mv -fT "$store/pending" "$store/undoing"
}

# undo ID BY: timer, work (the change failed), boot, or order.
undo() {
    id=$1 by=$2
    change=$store/changes/$id
    locked take_back "$id" || return 0
    [ "$by" = work ] || [ "$by" = boot ] || end_work
    [ -e "$change/why" ] || put_text "$change/why" "${why:-$(reason "$by")}"
    begun=$(text_of "$change/progress")
    if [ -n "$begun" ] && [ "$by" != boot ]; then attempt "$change/undo-leave"; fi
    turns=0
    until put_back 2>> "$change/log" || [ $turns = 5 ]; do
        turns=$((turns + 1))
        sleep 1
    done
    [ $turns != 5 ] || { put_text "$change/why" "$(text_of "$change/why"); and it can't be undone: $(tail -n 1 "$change/log")"; return 1; }
    to_disk
    if [ -n "$begun" ]; then put_back_in_effect "$by"; fi
    rm -f "$change/kept"
    rm -rf "$change/new" "$change/old"
    put_text "$change/outcome" undone
    to_disk
    locked rm -f "$store/undoing"
    to_disk
    if [ "$by" != boot ]; then disarm
    elif [ -n "$begun" ] && cut -f 6 "$change/files" | grep -Eq '^/etc/systemd/(system|network/.*\.link)'; then
        # systemd and udev have read files of the change already: the machine is to boot from the old ones.
        systemctl --no-block reboot
    fi
}

end_work() {
    systemctl kill --signal=KILL "netwright-apply-$id.service" 2> /dev/null
    systemctl stop "netwright-apply-$id.service" 2> /dev/null
}

reason() {
    case $1 in
        timer) echo "it was not confirmed in time" ;;
        boot) echo "the machine started again before it was confirmed" ;;
        *) echo "it was called off" ;;
    esac
}

put_back() {
    [ -e "$change/kept" ] || return 0
    while IFS=$tab read -r number what path; do
        place=$root$path old=$(beside "$root$path" old)
        if [ "$what" = absent ]; then rm -f "$place" || return
        elif is_same "$change/old/$number" "$place"; then rm -f "$old" || return
        elif [ -e "$old" ] || [ -L "$old" ]; then mv -fT "$old" "$place" || return
        else
            rm -f "$old.part" && cp -a "$change/old/$number" "$old.part" && mv -fT "$old.part" "$place" || return
        fi
        rm -f "$(beside "$place" new)" || return
    done < "$change/kept"
    remove_folders "$change/folders"
}

remove_folders() {
    [ -r "$1" ] || return 0
    sort -ru "$1" | while read -r path; do rmdir "$root$path" 2> /dev/null; done
    return 0
}

is_same() {
    if [ -L "$1" ]; then [ -L "$2" ] && [ "$(readlink "$1")" = "$(readlink "$2")" ]
    else [ ! -L "$2" ] && cmp -s "$1" "$2" && [ "$(stat -c '%a %u:%g' "$1")" = "$(stat -c '%a %u:%g' "$2")" ]; fi
}

# At boot nothing of the change is in effect any more; only what is started is to be as it was.
put_back_in_effect() {
    if [ "$1" != boot ]; then
        attempt "$change/undo-then"
        put_values "$change/values"
    fi
    put_links "$change/links"
    [ "$1" = boot ] || put_states "$change/states"
}

attempt() {
    [ -r "$1" ] || return 0
    while read -r line; do
        timeout -k 5 90 sh -c "$line" >> "$change/log" 2>&1 < /dev/null || echo "$line: status $?" >> "$change/log"
    done < "$1"
}

put_values() {
    [ -r "$1" ] || return 0
    while IFS=$tab read -r path value; do
        [ "$(cat "$root$path" | tr '\t' ' ')" = "$value" ] || printf '%s\n' "$value" > "$root$path"
    done < "$1" 2>> "$change/log"
}

put_links() {
    [ -r "$1" ] || return 0
    while read -r unit; do
        links_of "$unit" | grep -Fvxf "$1" | while IFS=$tab read -r path target; do rm -f "$path"; done
    done < "$change/units"
    while IFS=$tab read -r path target; do
        [ -L "$path" ] || { mkdir -p "${path%/*}" && ln -sfn "$target" "$path"; }
    done < "$1"
    if systemd_runs && [ -s "$change/units" ]; then systemctl daemon-reload < /dev/null; fi
}

put_states() {
    [ -r "$1" ] || return 0
    while IFS=$tab read -r unit active; do
        now=$(systemctl is-active "$unit" 2> /dev/null < /dev/null)
        case $active/$now in
            active/active) ;;
            active/*) timeout 60 systemctl start "$unit" < /dev/null ;;
            */active) timeout 60 systemctl stop "$unit" < /dev/null ;;
        esac
    done < "$1" >> "$change/log" 2>&1
}

# An order to undo goes to the timer's service, of which there is one only.
call_off() {
    id=$1
    say format 1
    if [ "$(held_by pending)" = "$id" ] || [ "$(held_by undoing)" = "$id" ]; then
        put_text "$store/changes/$id/why" "$2"
        systemctl start "netwright-undo-$id.service" 2> /dev/null ||
            systemd-run --quiet --wait --collect --unit="netwright-order-$id" /bin/sh "$store/changes/$id/machine.sh" undo "$id" order
    fi
    say state "$(state_of "$id")"
    say why "$(text_of "$store/changes/$id/why")"
    say end ''
}

# ---- roll back ------------------------------------------------------------------------------------------------------

# The payload of a rollback: the last confirmed change backwards.
payload_of_rollback() {
    last=$store/applied
    [ "$(held_by applied)" = "$1" ] || { echo "another change was applied meanwhile" >&2; return 1; }
    while IFS=$tab read -r number mode owner digest was path; do
        if [ "$was" = - ]; then
            printf '%s\t-\t-\t-\t%s\t%s\n' "$number" "$digest" "$path"
        else
            cp -a "$last/old/$number" "$change/new/$number" || return
            printf '%s\t%s\t%s\t%s\t%s\n' "$number" "$(stat -c '%a %u:%g' "$last/old/$number" | tr ' ' '\t')" \
                "$(digest_of "$last/old/$number")" "$digest" "$path"
        fi
    done < "$last/files" > "$change/files" || return
    cp "$last/undo-leave" "$change/leave" && cp "$last/undo-then" "$change/then" &&
        cp "$last/leave" "$change/undo-leave" && cp "$last/then" "$change/undo-then" &&
        cp "$last/manifest-before" "$change/manifest" && cp "$last/parameters" "$last/units" "$change" &&
        cp "$last/values" "$change/values-wanted" && cp "$last/states" "$change/states-wanted" && cp "$last/links" "$change/links-wanted" &&
        cp "$last/folders" "$change/folders-unwanted" &&
        put_text "$change/kind" rollback
}

main() {
    case $1 in
        look) look ;;
        begin) begin "$2" "$3" "$4" ;;
        work) work "$2" ;;
        undo) undo "$2" "$3" ;;
        state) state "$2" ;;
        confirm) confirm "$2" ;;
        call-off) call_off "$2" "$3" ;;
    esac
}

if [ $# -gt 0 ]; then main "$@"; fi
